"""Interaction protocols as a service: the server itself asks for proposals, awards, and auctions.

Someone asks for a task or an auction; an external agent of the server's own then speaks FIPA's protocols
with the participants, over the same way that every message takes. What to say next is decided by pure
functions (`contract_net`, `auction`); a desk for each conversation does the waiting and speaking, on
anyio, so that tests run it on a virtual clock. The market holds all desks and bounds them.
"""
