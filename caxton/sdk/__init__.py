"""The kit for authors of agents: headers per language, and what builds an agent from its source."""
