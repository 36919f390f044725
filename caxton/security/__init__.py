"""Who calls, and what they may do.

A bearer token stands for a principal with one role; a role holds permissions by one table; what the
table does not list is denied. Tokens are kept as SHA-256 and found by it, so that comparing one takes
the same time whatever a guesser sends.
"""
