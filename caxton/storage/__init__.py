"""The storage room: what survives a restart, in one SQLite file.

`store` is the door: changes go in as batches and are acknowledged after their commit, reads have connections
of their own. Each kind of thing that is kept has a table module, which turns values of the domain into
changes and rows into values. Nothing here knows a running agent.
"""
