"""What the page of protocols says in sentences: how a message is judged, whatever its protocol."""

from typing import Final, final

import msgspec

HEAD: Final = """\
# Protocols

This page is made by `python -m caxton.protocols.page docs/protocols.md` from the tables that the server
judges by.

A message with a `protocol` opens a conversation that is held to it, or belongs to one. The server keeps
the state of each participant's session and judges every message before anybody gets it: what the protocol
does not allow is refused, reaches nobody and changes nothing.

- Who sends through the API gets 409 `PROTOCOL_VIOLATION` with `details.reason_kind` and `details.state`.
- Whose agent runs in the server finds the refusal in its log, and where the protocol provides one it gets an
  automatic `not-understood` or `reject-proposal` with `in_reply_to` its message.
- Everybody who watches sees an event `message.rejected` and `caxton_messages_rejected_total{reason}`.

Acts that FIPA tells apart only by their content are told apart by `content_kind`, else by a text `kind` in
the content: `done` `result` `truth` `notification` `start` `end` `done-proxy` `no-match` `proxy`
`brokering`.

## The states of a conversation

`Initiated` by the opening act, `InProgress` from the next accepted message on, then one of three ends, each
with an outcome:

| state | outcomes |
| --- | --- |"""


@final
class Check(msgspec.Struct, frozen=True):
    """One check: what must hold, the reasons for which it refuses, and what the sender gets by itself."""

    number: str
    holds: str
    reasons: str
    answer: str = "-"


@final
class Checks(msgspec.Struct, frozen=True):
    """All checks in their order."""

    head: str
    checks: tuple[Check, ...]


_NOT_UNDERSTOOD: Final = "not-understood"

CHECKS: Final = Checks(
    """\
## The order of the checks

The first that does not hold decides. *answer* is what the sender gets by itself; a `not-understood` is
never answered.

| | what must hold | else | answer |
| --- | --- | --- | --- |""",
    (
        Check("1", "the act is one of FIPA's 22", "`unknown_performative`", _NOT_UNDERSTOOD),
        Check(
            "2",
            "the protocol is known; a message that does not open a conversation names its own",
            "`unknown_protocol` `missing_conversation_id`",
            _NOT_UNDERSTOOD,
        ),
        Check("3", "the id of the message is new in its conversation", "`duplicate_message`"),
        Check(
            "4", "the conversation is known, or the act opens it", "`unknown_conversation`", _NOT_UNDERSTOOD
        ),
        Check(
            "5",
            "`reply_by` of an opening act or a further call is still to come",
            "`deadline_in_past`",
            _NOT_UNDERSTOOD,
        ),
        Check(
            "",
            "an opening act goes to as many receivers as the protocol allows, to each once and not to its "
            "own sender, and there is room for a conversation",
            "`too_many_participants` `not_participant` `conversations_exhausted`",
        ),
        Check("6", "nobody opens an ended conversation again", "`conversation_id_reuse`"),
        Check(
            "7",
            "the conversation has not ended",
            "`late` by a deadline, `conversation_expired` by its time to live, else `conversation_closed`",
            "reject-proposal to a late propose",
        ),
        Check(
            "8",
            "sender and receivers belong to it: the initiator speaks to participants, to each once, and "
            "everybody else to the initiator",
            "`not_participant`",
        ),
        Check(
            "9",
            "the message names the conversation's protocol, or none",
            "`protocol_mismatch`",
            _NOT_UNDERSTOOD,
        ),
        Check(
            "10",
            "nobody opens a live conversation again, but for the next round of an iterated net or an auction",
            "`conversation_id_reuse`",
        ),
        Check("11", "only the initiator cancels", "`wrong_role`", _NOT_UNDERSTOOD),
        Check(
            "12",
            "`in_reply_to`, if there is one, names the id or `reply_with` of an accepted message of this "
            "conversation",
            "`unknown_in_reply_to`",
            _NOT_UNDERSTOOD,
        ),
        Check(
            "13",
            "the role may say this act in this protocol at all",
            "`wrong_role` if another may, else `unexpected_performative`",
            _NOT_UNDERSTOOD,
        ),
        Check(
            "14",
            "the deadline of the call, or of the proposal, has not passed",
            "`late`",
            "reject-proposal to a propose",
        ),
        Check(
            "15",
            "`in_reply_to`, if there is one, names the right message: column *cites* below",
            "`mismatched_in_reply_to`",
        ),
        Check(
            "16",
            "the session's state allows the act: the tables below",
            "`unexpected_performative` `duplicate_response` `no_pending_proposal` `award_limit_exceeded` "
            "`receiver_unavailable`",
            "not-understood to a participant, but not for a second bid",
        ),
        Check(
            "17",
            "an auction's price and its winner",
            "`invalid_price` `not_winner`",
            "reject-proposal to a bid",
        ),
        Check(
            "18",
            "the conversation has messages left of its `max_messages`",
            "`budget_exceeded`, and it ends",
        ),
    ),
)

MEETING: Final = """\
One message to several participants is judged for each of them; when one check refuses, nobody gets it.

## What holds in all protocols

**not-understood** may be said by the receiver of a message that it has not answered otherwise. Between two
it ends the conversation, among many only that participant's session. It is never answered.

**cancel** may be said by the initiator, at any time, to participants that are still in. Each goes on in
its state until it answers: `inform` that cites the cancel, or nothing, ends its session as cancelled;
`failure` that does so takes the cancel back, since the work cannot be stopped; an answer that cites the
call or the award counts as what it is, for the result was faster. A session that is being cancelled is not
ended by the call's deadline; in an auction it counts as gone. `POST /api/v1/conversations/{id}/cancel`
says it on the initiator's behalf.

**A bidder** in an auction speaks of the current call only, and only until its deadline: another answer is
`mismatched_in_reply_to` where it names an older call, else `unexpected_performative`, a late bid `late`.

**An agent that goes** - deleted, or failed for good - takes its part along: as initiator, or as the one
participant of two, it ends the conversation; among many its session is `dead`: no answer is a refusal, an
open proposal is withdrawn, an award has failed.

**The end of a contract net** is that of all its sessions: `result` or `done` when every award was reported,
`partial` when some were and others failed, `failure` or `participant-died` when none was, else `cancelled`,
`rejected`, `not-understood` when nobody understood the call, `no-proposals`. An award is told by an event
`conversation.contract_awarded`.

**Deadlines.** `reply_by` (or `reply_by_s`) of the opening act, in auctions and further rounds of the call,
is until when the first answer counts; without one it is `messaging.reply_by_s` from now. A conversation
expires when no message was accepted for its time to live: `conversation_ttl_s` of the opening message,
else `messaging.conversation_ttl_s`. Protocols that last have neither unless asked for. In time is what
does not come after the deadline, by the server's clock.

**Limits.** At most `messaging.participants_max` participants. `max_messages`, `fuel_budget` and `ttl_s` of
a conversation are set by `POST /api/v1/conversations`, `max_awards` by the opening message. Live and
remembered conversations together are at most `messaging.conversations_max`; an ended one is remembered,
and its id not used again, for its time to live.

## The reasons

| reason | what to do |
| --- | --- |"""

READING: Final = """\
## How to read the tables

A row says: in each of the session's *states*, that role may say each of the acts; the session is then in
the state of the column *then*, or the message is refused (✗). What no row tells is refused as
`unexpected_performative`. *I* is the initiator, *P* a participant, *T* a target that the participant
recruited. *phase* is that of an auction or a recruitment as a whole, *cites* the message that
`in_reply_to` must name where it names one. The diagrams show the accepted rows of one session.
"""
