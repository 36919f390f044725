"""FIPA's string form of a message (SC00070), for agents that live on other platforms.

Enters: the text of a message, as JADE and others write it. Leaves: the same message as the JSON that
the core reads, and back. All of it is a function of its arguments. However hostile the text, only
`InvalidMessageFormat` comes out, after a number of steps that grows with its length and not faster.
"""
