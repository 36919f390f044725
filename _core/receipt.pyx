"""Turn the outcome of a post into Python values; details by code as core.pyi states them."""

import json

from caxton._core.envelope cimport RECEIVER_ID
from caxton._core.post cimport (
    POST_ACCEPTED, POST_CAPABILITY, POST_INVALID, POST_MAILBOX_FULL, POST_NOT_RUNNING, POST_NO_ROUTE,
    POST_DUPLICATE, POST_OTHER_SENDER, POST_RATE_LIMITED, POST_REFUSED, POST_TOO_LARGE,
)
from caxton._core.text cimport uuid_write

FIELD_NAMES = (
    "id", "performative", "sender", "receiver", "conversation_id", "protocol", "reply_with", "in_reply_to",
    "reply_by", "reply_to", "content", "content_kind", "language", "encoding", "ontology", "delivery", "priority",
    "trace_id", "span_id", "timestamp", "reply_by_s", "conversation_ttl_s", "max_awards",
)


cdef str plain(const char* raw, size_t length):
    # The interior of a JSON string as text; escapes are rare.
    cdef bytes text = raw[:length]
    if b"\\" in text:
        return json.loads(b'"' + text + b'"')
    return text.decode()


cdef str receiver_text(Posted* posted):
    if posted.refusal.receiver_id != 0:
        return str(posted.refusal.receiver_id)
    if posted.refusal.item.kind == RECEIVER_ID:
        return str(posted.refusal.item.id)
    return posted.refusal.item.name[:posted.refusal.item.name_bytes].decode(errors="replace")


cdef tuple receipt(Posted* posted, unsigned long long length, unsigned long long bytes_max):
    cdef char id_text[36]
    cdef int code = posted.code
    if code == POST_ACCEPTED:
        uuid_write(id_text, posted.id_high, posted.id_low)
        return (code, id_text[:36].decode(), plain(posted.conversation, posted.conversation_bytes), None)
    detail = None
    if code == POST_REFUSED or code == POST_DUPLICATE:
        uuid_write(id_text, posted.id_high, posted.id_low)
        return (code, id_text[:36].decode() if code == POST_DUPLICATE else "",
                plain(posted.conversation, posted.conversation_bytes),
                (posted.reason, posted.protocol, posted.state, posted.outcome))
    if code == POST_INVALID:
        field = posted.envelope.error_field
        detail = (posted.envelope.status, posted.envelope.error_offset, FIELD_NAMES[field] if field >= 0 else None)
    elif code == POST_NO_ROUTE or code == POST_CAPABILITY:
        detail = receiver_text(posted)
    elif code == POST_MAILBOX_FULL:
        detail = posted.refusal.receiver_id
    elif code == POST_RATE_LIMITED:
        detail = (posted.refusal.receiver_id, posted.refusal.wait_ns)
    elif code == POST_NOT_RUNNING:
        detail = (posted.refusal.receiver_id, posted.refusal.state)
    elif code == POST_TOO_LARGE:
        detail = (length, bytes_max)
    elif code == POST_OTHER_SENDER:
        detail = posted.other_sender
    return (code, "", "", detail)
