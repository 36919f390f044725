"""The newest events of the server, each with a cursor."""
