"""The trace id of a request, from W3C Trace Context or fresh."""

import re
from typing import Final

from caxton.domain.ids import TraceId, new_trace_id

# version, trace id, parent id, flags; later versions may append fields (Trace Context, 3.2.2 and 4).
_TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_ZERO_TRACE: Final = b"0" * 32
_ZERO_SPAN: Final = b"0" * 16


def trace_id_of(traceparent: bytes | None) -> TraceId:
    """Return the trace id of the header, or a fresh one where it is missing or not valid."""
    if traceparent is not None:
        found = _TRACEPARENT.fullmatch(traceparent)
        if found is not None and found[1] != _ZERO_TRACE and found[2] != _ZERO_SPAN:
            return TraceId(found[1].decode())
    return new_trace_id()
