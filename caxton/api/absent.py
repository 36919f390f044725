"""What a message may ask for in the contract and cannot get in this version: a refusal, never a pretence."""

from typing import Final

import msgspec

from caxton.domain.agent import Delivery
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind


class _Wish(msgspec.Struct):
    delivery: object = None


_decoder: Final = msgspec.json.Decoder(_Wish)
_REFUSED: Final = frozenset({str(Delivery.AT_LEAST_ONCE), str(Delivery.EXACTLY_ONCE)})


def may_wish(text: bytes) -> bool:
    """Tell whether a message, or one among several, may say how it is to be delivered.

    A name in JSON can be written with escapes; those of letters all begin in the same way.
    """
    return b'"delivery"' in text or b"\\u00" in text


def refuse_delivery(body: bytes) -> None:
    """Refuse a message that wants to be stored before it is delivered.

    Costs a search for one word where a message does not say how it is to be delivered. A message that
    is no JSON, or names a delivery that does not exist, passes: the core says what is wrong with it.

    Raises:
        InvalidRequest: the message asks for at_least_once or exactly_once.
    """
    if not may_wish(body):
        return
    try:
        wish = _decoder.decode(body).delivery
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if isinstance(wish, str) and wish in _REFUSED:
        raise InvalidRequest(
            [
                Problem(
                    field="delivery",
                    kind=ProblemKind.UNSUPPORTED,
                    problem=f"`{wish}` is not available in this version",
                    fix="leave `delivery` out: messages are delivered at most once",
                )
            ]
        )
