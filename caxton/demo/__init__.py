"""The demonstration: real agents, built from C, run a Contract Net on a server of their own.

Everything shown was measured in the run that shows it: messages are what the agents logged when they
received them, figures come from the server's own counters and from its process. Nothing is replayed.
"""
