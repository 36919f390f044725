"""The content of a message on its way through the string form, which knows texts only.

A content that is a string travels as it is; with `:language json`, and where it is no string, as JSON
text. Bytes (`encoding` base64) travel in Base64 under JADE's parameter, and so does a text whose
backslashes JADE would misread and whose characters it would miscount. An empty content in the
language json is none, as JADE drops it.
"""

import base64
import binascii
from typing import Final, final

import msgspec

from caxton.domain.problem import ProblemKind
from caxton.fipa.printer import is_troubled

BASE64: Final = "Base64"
"""The value of JADE's parameter."""

BYTES_ENCODING: Final = "base64"
"""The word of a message whose content stands for bytes."""

JSON: Final = "json"
TEXT: Final = "text"
FORMS: Final = (JSON, TEXT)


class ContentFault(Exception):
    """The content cannot be what the parameters around it say. `parameter` is at fault, in lower case."""

    def __init__(self, problem: str, fix: str, kind: ProblemKind, parameter: str = "content") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.kind = kind
        self.parameter = parameter


@final
class TravellingContent(msgspec.Struct, frozen=True, kw_only=True):
    """A content as a text, with what has to be known to read it again.

    `in_base64` tells that JADE's parameter is set, `form` is Caxton's own (`json`, `text`, or None).
    """

    text: str | None
    language: str | None
    encoding: str | None
    in_base64: bool = False
    form: str | None = None


@final
class LocalContent(msgspec.Struct, frozen=True, kw_only=True):
    """A content as messages here have it: a JSON value, and what the message says about it."""

    value: msgspec.Raw
    language: str | None
    encoding: str | None


_NULL: Final = msgspec.Raw(b"null")


def pack_content(content: LocalContent) -> TravellingContent:
    """Return the content as it travels; `unpack_content` gives it back."""
    language, encoding = content.language, content.encoding
    raw = bytes(content.value)
    if raw.strip() == b"null":
        return TravellingContent(text=None, language=language, encoding=encoding)
    string = _string_of(raw)
    if string is not None and encoding == BYTES_ENCODING and _is_canonical_base64(string):
        return TravellingContent(text=string, language=language, encoding=encoding, in_base64=True)
    form: str | None = None
    if string is None or _is_json(language):
        text = raw.decode()
        if not _is_json(language):
            form = JSON
            language = language or JSON
    else:
        text = string
    if is_troubled(text) and not text.isascii():
        text = base64.b64encode(text.encode()).decode()
        return TravellingContent(
            text=text, language=language, encoding=encoding, in_base64=True, form=form or TEXT
        )
    return TravellingContent(text=text, language=language, encoding=encoding, form=form)


def unpack_content(content: TravellingContent) -> LocalContent:
    """Return the content as messages here have it.

    Raises:
        ContentFault: the text is not what the parameters say.
    """
    text, language, encoding = content.text, content.language, content.encoding
    if text is None:
        return LocalContent(value=_NULL, language=language, encoding=encoding)
    if content.in_base64:
        text = "".join(text.split())
        carried = _bytes_of(text)
        if content.form is None:
            return _bytes_content(text, language, encoding)
        try:
            text = carried.decode()
        except UnicodeDecodeError:
            problem = "the text that travels in Base64 is not UTF-8"
            raise ContentFault(problem, "encode it as UTF-8", ProblemKind.ENCODING) from None
    if content.form == JSON:
        own_language = None if _is_json(language) else language
        return LocalContent(value=_json_of(text), language=own_language, encoding=encoding)
    if _is_json(language):
        return LocalContent(value=_json_of(text), language=language, encoding=encoding)
    string = msgspec.Raw(msgspec.json.encode(text))
    return LocalContent(value=string, language=language, encoding=encoding)


def _bytes_content(text: str, language: str | None, encoding: str | None) -> LocalContent:
    if encoding is not None and encoding.lower() != BYTES_ENCODING:
        problem = "a content of bytes has the encoding base64 here, and room for one encoding only"
        fix = "leave :encoding out, and say in the ontology or the content what the bytes are"
        raise ContentFault(problem, fix, ProblemKind.CONTRADICTION, "encoding")
    value = msgspec.Raw(msgspec.json.encode(text))
    return LocalContent(value=value, language=language, encoding=BYTES_ENCODING)


def _json_of(text: str) -> msgspec.Raw:
    if not text.strip():
        return _NULL
    try:
        # Checks the whole syntax, so that nothing but one value gets into the message.
        return msgspec.json.decode(text.encode(), type=msgspec.Raw)
    except msgspec.DecodeError as error:
        problem = f"the content is not JSON: {error}"
        fix = "mend the JSON, or name another :language to send it as a text"
        raise ContentFault(problem, fix, ProblemKind.SYNTAX) from None
    except RecursionError:
        problem, fix = "the content nests too deep", "send a flatter content"
        raise ContentFault(problem, fix, ProblemKind.TOO_DEEP) from None


def _string_of(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_json(language: str | None) -> bool:
    return language is not None and language.lower() == JSON


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        problem = "the content is not Base64, though :X-JADE-Encoding says so"
        raise ContentFault(problem, "encode it, or leave that parameter out", ProblemKind.ENCODING) from None


def _is_canonical_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False
