"""Messages: send one, send one and wait, send many, check one."""

from collections.abc import Callable
from typing import Final, final

import msgspec
import orjson

from caxton.api.absent import refuse_delivery
from caxton.api.acl_text import FIPA_ACL, ACLText
from caxton.api.answer import NDJSON, Answer, struct_answer
from caxton.api.batch import BatchRun
from caxton.api.call import BodyRoom, Call
from caxton.api.ending import Ending
from caxton.api.ownership import Ownership
from caxton.api.replies import unwrap
from caxton.api.route import Content, Nothing, Route, hand_made
from caxton.api.schemas import MessageAccepted, MessageAnswered, MessageIn, ProblemRow, SendQuery, Validation
from caxton.domain.diagnosis import explain_message
from caxton.domain.ids import AgentId
from caxton.domain.problem import Problem
from caxton.protocols.catalogue import explain_protocol
from caxton.runtime.answers import DuplicateMessage, Posted
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, Principal

ENVELOPE_BYTES_MAX: Final = 16 * 1024
"""Room for the fields around a content of the greatest size."""

_TAG: Final = "messages"
_MESSAGE: Final = Content("application/json", MessageIn)
_TEXT: Final = Content(FIPA_ACL, None, "One message in FIPA's string form (SC00070), in UTF-8.")
_REFUSES: Final = (
    "INVALID_MESSAGE",
    "AGENT_NOT_FOUND",
    "INVALID_STATE",
    "MESSAGE_TOO_LARGE",
    "MAILBOX_FULL",
    "RATE_LIMITED",
    "PROTOCOL_VIOLATION",
)


@final
class MessageRoutes:
    """The handlers of `/messages`."""

    def __init__(
        self,
        runtime: Runtime,
        ownership: Ownership,
        room: BodyRoom,
        ending: Ending,
        acl_text: ACLText,
        message_bytes_max: int,
    ) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._room = room
        self._ending = ending
        self._acl_text = acl_text
        self._message_bytes_max = message_bytes_max
        self._body_bytes_max = message_bytes_max + ENVELOPE_BYTES_MAX

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            hand_made(
                "POST",
                "/api/v1/messages",
                self.send_message,
                query=SendQuery,
                takes=(_MESSAGE, _TEXT),
                gives={
                    202: (Content("application/json", MessageAccepted),),
                    200: (Content("application/json", MessageAnswered), _TEXT),
                },
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=(*_REFUSES, "AGENT_FAILED", "DEADLINE_EXCEEDED"),
                repeatable_body_bytes_max=self._body_bytes_max,
            ),
            hand_made(
                "POST",
                "/api/v1/messages/batch",
                self.send_batch,
                query=Nothing,
                takes=(Content("application/x-ndjson", MessageIn, "One message a line."),),
                gives={
                    200: (
                        Content(
                            "application/x-ndjson",
                            MessageAccepted,
                            "One result a line, in order: what was accepted, or an error document.",
                        ),
                    )
                },
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
            ),
            hand_made(
                "POST",
                "/api/v1/messages/validate",
                self.validate_message,
                query=Nothing,
                takes=(_MESSAGE,),
                gives={200: (Content("application/json", Validation),)},
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("MESSAGE_TOO_LARGE",),
                repeatable_body_bytes_max=self._body_bytes_max,
            ),
        ]

    async def send_message(self, call: Call, query: SendQuery) -> Answer:
        """Send a message; with `wait_ms`, wait for the answer."""
        is_text = self._acl_text.spoken(call)
        if not is_text:
            call.require_json()
        with self._room.lease() as lease:
            body = await call.body(self._body_bytes_max, lease)
            if is_text:
                body = self._acl_text.read(body)
            refuse_delivery(body)
            sender, may_send_as = self._voice(call.principal)
            if query.wait_ms is None:
                return accepted(self._runtime.post(body, sender, may_send_as))
            try:
                with self._ending.wakes(call):
                    reply = await self._runtime.ask(body, sender, may_send_as, query.wait_ms / 1000)
            except DuplicateMessage as duplicate:
                return accepted(duplicate.posted)
        said = unwrap(reply, _sender_of(reply.body))
        if self._acl_text.wanted(call):
            return await self._acl_text.answer([reply.body])
        answer = MessageAnswered(
            message_id=reply.message_id, conversation_id=reply.conversation_id, reply=said
        )
        return struct_answer(200, answer)

    async def send_batch(self, call: Call, _: Nothing) -> None:
        """Send many messages, one a line; the results come in the same order."""
        sender, may_send_as = self._voice(call.principal)
        run = BatchRun(self._runtime, sender, may_send_as, self._body_bytes_max, self._room)
        await run.serve(call, NDJSON)

    async def validate_message(self, call: Call, _: Nothing) -> Answer:
        """Check a message without sending it."""
        call.require_json()
        with self._room.lease() as lease:
            body = await call.body(self._body_bytes_max, lease)
        problems = explain_message(body, message_bytes_max=self._message_bytes_max)
        rows = [
            ProblemRow(field=found.field, kind=str(found.kind), problem=found.problem, fix=found.fix)
            for found in (*problems, *_about_protocol(body))
        ]
        return struct_answer(200, Validation(valid=not rows, problems=rows))

    def _voice(self, principal: Principal) -> tuple[AgentId, Callable[[AgentId], bool]]:
        return self._ownership.agent_of(principal), self._ownership.may_send_as(principal)


def accepted(posted: Posted) -> Answer:
    """Return the answer to a message that was taken."""
    document = {
        "message_id": posted.message_id,
        "conversation_id": posted.conversation_id,
        "status": posted.status,
    }
    return Answer(200 if posted.status == "duplicate" else 202, orjson.dumps(document))


class _Protocol(msgspec.Struct):
    protocol: object = None


_protocol_decoder: Final = msgspec.json.Decoder(_Protocol)


def _about_protocol(body: bytes) -> list[Problem]:
    """Return what is wrong with the protocol's word; a message that cannot be read was explained before."""
    try:
        word = _protocol_decoder.decode(body).protocol
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    found = explain_protocol(word) if isinstance(word, str) and word else None
    return [] if found is None else [found]


class _Sender(msgspec.Struct):
    sender: str = "unknown"


_sender_decoder: Final = msgspec.json.Decoder(_Sender)


def _sender_of(reply: bytes) -> str:
    return _sender_decoder.decode(reply).sender
