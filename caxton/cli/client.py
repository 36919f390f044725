"""The HTTP client of the management API: sends a request, and gives back the answer or the end.

A status of 400 and above becomes `Refused` with the API's own words, a connection that failed or an
answer that is no answer of ours becomes `Unreachable`. Nothing here is printed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar, final

import httpx
import msgspec

from caxton import __version__
from caxton.cli.address import ServerAddress
from caxton.cli.credential import Credential
from caxton.cli.refusal import Refused, Unreachable

API: Final = "/api/v1"
_CONNECT_S: Final = 5.0
# A little above the server's own limit for a request, so that its answer wins over our impatience.
_ANSWER_S: Final = 35.0

T = TypeVar("T")
# A value of several is sent as so many parameters of one name.
Query = Mapping[str, str | int | bool | Sequence[str] | None]


@final
class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what the server answered."""

    status: int
    body: bytes
    url: str

    def decode(self, shape: type[T]) -> T:
        """Return the body as the shape; fields that the shape does not know are left out.

        Raises: Unreachable when the body is something else, hence not from the API that we know.
        """
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _foreign(self.url, str(error)) from error

    def tree(self) -> object:
        """Return the body as it came, as objects, lists, texts and numbers."""
        return self.decode(object)


class _ErrorDetails(msgspec.Struct, frozen=True):
    code: str
    message: str
    details: dict[str, object] | None = None
    hint: str | None = None
    trace_id: str | None = None


class _ErrorDocument(msgspec.Struct, frozen=True):
    error: _ErrorDetails


@final
class Client:
    """Talk to one server. Use it as a context; connections are kept until it ends."""

    def __init__(self, address: ServerAddress, credential: Credential) -> None:
        self.address: Final = address
        self.credential: Final = credential
        headers = {"user-agent": f"caxton/{__version__}"}
        if credential.token is not None:
            headers["authorization"] = f"Bearer {credential.token}"
        self._http: Final = httpx.Client(
            base_url=address.url,
            headers=headers,
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
            # A proxy of the environment knows nothing of this machine's own loopback.
            mounts={f"all://{_bracketed(address.host)}": None} if address.is_loopback else None,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, *, query: Query | None = None) -> Answer:
        """Ask for a resource below the API's base path."""
        return self.send("GET", API + path, query=query)

    def post(
        self, path: str, document: object = None, *, query: Query | None = None, wait_s: float = 0.0
    ) -> Answer:
        """Post a JSON document; `wait_s` is how much longer than usual the answer may take, in seconds."""
        body = None if document is None else msgspec.json.encode(document)
        return self.send("POST", API + path, query=query, body=body, wait_s=wait_s)

    def delete(self, path: str, *, query: Query | None = None) -> Answer:
        """Delete a resource below the API's base path."""
        return self.send("DELETE", API + path, query=query)

    def upload(self, path: str, *, document: object, module: bytes, filename: str) -> Answer:
        """Post a module as multipart form data: part `config` the JSON document, part `module` the bytes."""
        files = {
            "config": ("config.json", msgspec.json.encode(document), "application/json"),
            "module": (filename, module, "application/wasm"),
        }
        return self._run(self._http.build_request("POST", API + path, files=files))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        wait_s: float = 0.0,
        accept: str = "application/json",
    ) -> Answer:
        """Send one request and return its answer.

        Raises:
            Refused: the server answered with a status of 400 or above.
            Unreachable: nobody answered, or somebody else did.
        """
        headers = {"accept": accept}
        if body is not None:
            headers["content-type"] = "application/json"
        request = self._http.build_request(
            method,
            path,
            params=_present(query),
            content=body,
            headers=headers,
            timeout=httpx.Timeout(_ANSWER_S + wait_s, connect=_CONNECT_S),
        )
        return self._run(request)

    def probe(self, path: str) -> Answer:
        """Ask `/health` or `/ready`: whatever its status, the answer is an answer.

        Raises: Unreachable.
        """
        response = self._exchange(self._http.build_request("GET", path))
        return Answer(status=response.status_code, body=response.content, url=str(response.url))

    def follow(self, path: str, *, query: Query | None = None) -> Iterator[str]:
        """Yield the lines of a streamed answer as they come, until the server or the caller ends it.

        Raises:
            Refused: the server said no before the stream began.
            Unreachable: nobody answered, or the connection broke.
        """
        timeout = httpx.Timeout(None, connect=_CONNECT_S)
        try:
            with self._http.stream("GET", API + path, params=_present(query), timeout=timeout) as response:
                if response.status_code >= 400:
                    response.read()
                    self._check(response)
                yield from response.iter_lines()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _run(self, request: httpx.Request) -> Answer:
        response = self._exchange(request)
        self._check(response)
        return Answer(status=response.status_code, body=response.content, url=str(response.url))

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _check(self, response: httpx.Response) -> None:
        if response.status_code < 300:
            return
        try:
            error = msgspec.json.decode(response.content, type=_ErrorDocument).error
        except (msgspec.DecodeError, UnicodeDecodeError) as failure:
            raise _foreign(str(response.url), f"status {response.status_code}") from failure
        hint = error.hint
        if response.status_code == 401 and self.credential.token is None:
            hint = f"{hint + '; ' if hint else ''}no token was sent: {self.credential.source}"
        raise Refused(
            code=error.code, message=error.message, details=error.details, hint=hint, trace_id=error.trace_id
        )

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        url = self.address.url
        match error:
            case httpx.ConnectTimeout():
                why = f"no connection to {url} within {_CONNECT_S:g} s"
            case httpx.ConnectError():
                why = f"no connection to {url}: {error}"
            case httpx.TimeoutException():
                why = f"{url} took the request but did not answer in time"
            case _:
                why = f"the connection to {url} broke: {error or type(error).__name__}"
        return Unreachable.at(
            why,
            hint="is the server running (`caxton serve`), and is this its address (--server, CAXTON_SERVER)?",
        )


def _present(query: Query | None) -> dict[str, str | int | bool | Sequence[str]]:
    return {name: value for name, value in (query or {}).items() if value is not None}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _foreign(url: str, what: str) -> Unreachable:
    return Unreachable.at(
        f"what answers at {url} is not the management API of Caxton: {what}",
        hint="does another program listen on this port, or a proxy in between?",
    )
