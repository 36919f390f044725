"""A message in FIPA's string form as the JSON text that a client of this server would send.

The names of local agents lose their platform, times become absolute, the content becomes JSON. What a
message here has no field for is let go of: addresses and resolvers, and parameters of others.
"""

from datetime import tzinfo
from typing import Final, NoReturn

import msgspec

from caxton.domain.diagnosis import explain_message
from caxton.domain.problem import ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names
from caxton.domain.timestamp import WallNs, format_timestamp
from caxton.fipa.acl_message import AgentIdentifier, AgentSet, Expression, ParsedMessage, parameter_key
from caxton.fipa.content import BASE64, FORMS, ContentFault, LocalContent, TravellingContent, unpack_content
from caxton.fipa.date_time import wall_time
from caxton.fipa.extension import CAPABILITY, CONTENT, FIELDS, NAMES, PREFIX, field_value, own_name
from caxton.fipa.fault import fault_at, shown
from caxton.fipa.parser import parse_message
from caxton.fipa.platform import Platform
from caxton.fipa.printer import BASE64_PARAMETER, flat_text

_BASE64_KEY: Final = parameter_key(BASE64_PARAMETER)
_CAPABILITY_KEY: Final = parameter_key(f"{PREFIX}{CAPABILITY}")
_KEYS: Final = {field: parameter_key(f"{PREFIX}{name}") for name, field in FIELDS.items()}
"""The parameter that holds a field, where it is not one of FIPA's."""

_UNBOUNDED_BYTES: Final = 2**62


def import_message(
    text: bytes,
    platform: Platform,
    now_ns: WallNs,
    *,
    message_bytes_max: int,
    zone: tzinfo | None = None,
) -> bytes:
    """Return the JSON text of the message.

    `now_ns` is what a relative `:reply-by` counts from, `zone` what a time without zone means: None is
    the zone of this machine.

    Raises:
        InvalidMessageFormat: the text is no message, or says what a message here cannot say.
    """
    parsed = parse_message(text, message_bytes_max=message_bytes_max)
    message = parsed.message
    own = _own_parameters(parsed)
    content = _content(parsed, own)
    rows: dict[str, object | None] = {
        "performative": str(message.performative),
        "sender": None if message.sender is None else _agent(parsed, platform, "sender", message.sender),
        "receiver": _receiver(parsed, platform, own),
        "conversation_id": _text(message.conversation_id),
        "protocol": message.protocol,
        "reply_with": _text(message.reply_with),
        "in_reply_to": _text(message.in_reply_to),
        "reply_by": _reply_by(parsed, now_ns, zone),
        "reply_to": _reply_to(parsed, platform),
        "language": content.language,
        "encoding": content.encoding,
        "ontology": _text(message.ontology),
    }
    document: dict[str, object] = {field: value for field, value in rows.items() if value is not None}
    for name, field in FIELDS.items():
        if name in own:
            if field in document:
                problem = f"the {field} is given in two ways"
                _refuse(parsed, _KEYS[field], problem, "give it once", ProblemKind.CONTRADICTION)
            document[field] = field_value(field, own[name])
    _refuse_unfit(parsed, document)
    document["content"] = content.value
    return msgspec.json.encode(document)


def _own_parameters(parsed: ParsedMessage) -> dict[str, str]:
    """Return the parameters of Caxton's own, by their names without the prefix."""
    found: dict[str, str] = {}
    for name, value in parsed.message.extensions:
        own = own_name(name)
        if own is None:
            continue
        if own not in NAMES:
            near = [f":{PREFIX}{known}" for known in near_names(own, NAMES)]
            fix = did_you_mean(near) or f"known are {', '.join(f':{PREFIX}{known}' for known in NAMES)}"
            problem = f"`:{shown(name.encode())}` is no parameter of Caxton"
            _refuse(parsed, parameter_key(name), problem, fix, ProblemKind.UNKNOWN_FIELD)
        found[own] = flat_text(value)
    return found


def _content(parsed: ParsedMessage, own: dict[str, str]) -> LocalContent:
    message = parsed.message
    form = own.get(CONTENT)
    if form is not None and form not in FORMS:
        problem = f"`{shown(form.encode())}` is no form of a content"
        key = parameter_key(f"{PREFIX}{CONTENT}")
        _refuse(parsed, key, problem, f"use {' or '.join(FORMS)}", ProblemKind.INVALID_VALUE)
    travelling = TravellingContent(
        text=message.content,
        language=_text(message.language),
        encoding=_text(message.encoding),
        in_base64=_is_base64(parsed),
        form=form,
    )
    try:
        return unpack_content(travelling)
    except ContentFault as fault:
        _refuse(parsed, fault.parameter, fault.problem, fault.fix, fault.kind)


def _is_base64(parsed: ParsedMessage) -> bool:
    for name, value in parsed.message.extensions:
        if parameter_key(name) == _BASE64_KEY:
            if not isinstance(value, str) or value.lower() != BASE64.lower():
                problem = "a content travels in Base64 or as it is"
                _refuse(parsed, _BASE64_KEY, problem, f"write {BASE64}", ProblemKind.UNSUPPORTED)
            return True
    return False


# --- agents ---


def _agent(parsed: ParsedMessage, platform: Platform, key: str, agent: AgentIdentifier) -> str:
    found = platform.local_part(agent.name)
    if found is None:
        problem = f"`{shown(agent.name.encode())}` is an agent of another platform"
        fix = f"name an agent of this one, like bidder@{platform.name}"
        _refuse(parsed, key, problem, fix, ProblemKind.INVALID_VALUE)
    return found


def _receiver(parsed: ParsedMessage, platform: Platform, own: dict[str, str]) -> object:
    agents: AgentSet = parsed.message.receiver or ()
    capability = own.get(CAPABILITY)
    fix = f"add :receiver (set (agent-identifier :name bidder@{platform.name}))"
    if capability is not None:
        if agents:
            problem = "the receiver is given by name and by capability"
            _refuse(parsed, "receiver", problem, "give it in one way", ProblemKind.CONTRADICTION)
        return {"capability": capability}
    if not agents:
        key = "" if parsed.message.receiver is None else "receiver"
        _refuse(parsed, key, "the message does not say who gets it", fix, ProblemKind.MISSING)
    found = [_agent(parsed, platform, "receiver", agent) for agent in agents]
    return found[0] if len(found) == 1 else found


def _reply_to(parsed: ParsedMessage, platform: Platform) -> str | None:
    agents = parsed.message.reply_to
    if not agents:
        return None
    first, *others = agents
    if others:
        problem = f"{len(agents)} agents shall be answered to; a message here has room for one"
        _refuse(parsed, "reply-to", problem, "name one agent", ProblemKind.UNSUPPORTED)
    return _agent(parsed, platform, "reply-to", first)


# --- the rest ---


def _reply_by(parsed: ParsedMessage, now_ns: WallNs, zone: tzinfo | None) -> str | None:
    time = parsed.message.reply_by
    if time is None:
        return None
    try:
        return format_timestamp(wall_time(time, now_ns, zone))
    except ValueError as error:
        _refuse(
            parsed,
            "reply-by",
            f"the time cannot be used: {error}",
            "name one soon",
            ProblemKind.OUT_OF_BOUNDS,
        )


def _text(value: Expression | None) -> str | None:
    return None if value is None else flat_text(value)


def _refuse_unfit(parsed: ParsedMessage, document: dict[str, object]) -> None:
    """Refuse values that a message here may not have: ids of another form, texts that are too long."""
    problems = explain_message(msgspec.json.encode(document), message_bytes_max=_UNBOUNDED_BYTES)
    if problems:
        first = problems[0]
        field = first.field.partition("[")[0].partition(".")[0]
        key = _KEYS[field] if field in _KEYS else field.replace("_", "-")
        if key not in parsed.places:
            # The receiver may stand in a parameter of Caxton's own as well, the protocol in FIPA's.
            key = _CAPABILITY_KEY if key == "receiver" else field
        _refuse(parsed, key, first.problem, first.fix, first.kind)


def _refuse(parsed: ParsedMessage, key: str, problem: str, fix: str, kind: ProblemKind) -> NoReturn:
    offset_bytes = parsed.places[key]
    raise fault_at(parsed.text, offset_bytes, problem, fix, kind=kind, parameter=shown(key.encode()))
