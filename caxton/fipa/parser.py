"""From the string form of FIPA ACL (SC00070) to a message: the grammar, and its rules of context.

What is read beyond the grammar: parameters in any order, those of an agent identifier too; an agent's
name as a quoted string; numbers with a letter at their end. What is refused though the grammar has no
word on it: a parameter given twice, and a value that begins with a colon, since it is the name of the
next parameter.
"""

from typing import Final, NoReturn, final

from caxton.domain.diagnosis import RECEIVERS_MAX
from caxton.domain.performative import PERFORMATIVES, Performative
from caxton.domain.problem import ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names
from caxton.fipa.acl_message import (
    ACLMessage,
    AgentIdentifier,
    AgentSet,
    Expression,
    Extensions,
    ParsedMessage,
    parameter_key,
)
from caxton.fipa.date_time import DateTime, parse_date_time
from caxton.fipa.fault import fault_at, shown
from caxton.fipa.lexer import Kind, Lexer, Token, is_bare_value, is_word

DEPTH_MAX: Final = 32
"""How deep lists and resolvers may nest. A level costs a few frames of the reader."""

_ACTS: Final = {str(act).encode(): act for act in PERFORMATIVES}
_AGENT_SETS: Final = frozenset({"receiver", "reply-to"})
_EXPRESSIONS: Final = frozenset(
    {"language", "encoding", "ontology", "conversation-id", "reply-with", "in-reply-to"}
)
PARAMETERS: Final = ("sender", "content", "protocol", "reply-by", *_AGENT_SETS, *_EXPRESSIONS)
_AGENT_PARAMETERS: Final = ("name", "addresses", "resolvers")
_EXAMPLE: Final = "(agent-identifier :name bidder@caxton)"


def parse_message(text: bytes, *, message_bytes_max: int) -> ParsedMessage:
    """Return the one message that the text holds.

    Raises:
        InvalidMessageFormat: it holds none, or more; tells what is wrong, where, and what would do.
    """
    if len(text) > message_bytes_max:
        raise fault_at(
            text,
            message_bytes_max,
            f"the message has {len(text)} bytes, {message_bytes_max} are allowed",
            "send less, or several messages",
            kind=ProblemKind.TOO_LARGE,
        )
    return _Parser(text).message()


@final
class _Parser:
    """One text on its way; always one token ahead."""

    def __init__(self, text: bytes) -> None:
        self._lexer = Lexer(text)
        self._token = self._lexer.next()
        # The parameter that is being read, for the errors.
        self._parameter = ""
        self._places: dict[str, int] = {}
        self._sender: AgentIdentifier | None = None
        self._agents: dict[str, AgentSet] = {}
        self._content: str | None = None
        self._protocol: str | None = None
        self._reply_by: DateTime | None = None
        self._expressions: dict[str, Expression] = {}
        self._extensions: list[tuple[str, Expression]] = []

    def message(self) -> ParsedMessage:
        """Read the whole text."""
        self._take(Kind.OPEN, "a message begins with `(`", "write it like (inform ...)")
        performative = self._performative()
        while self._token.kind is not Kind.CLOSE:
            self._read_parameter(self._parameter_name(self._places, PARAMETERS))
        self._advance()
        self._take(Kind.END, "the message ends before this", "send one message")
        message = ACLMessage(
            performative=performative,
            sender=self._sender,
            receiver=self._agents.get("receiver"),
            reply_to=self._agents.get("reply-to"),
            content=self._content,
            language=self._expressions.get("language"),
            encoding=self._expressions.get("encoding"),
            ontology=self._expressions.get("ontology"),
            protocol=self._protocol,
            conversation_id=self._expressions.get("conversation-id"),
            reply_with=self._expressions.get("reply-with"),
            in_reply_to=self._expressions.get("in-reply-to"),
            reply_by=self._reply_by,
            extensions=tuple(self._extensions),
        )
        return ParsedMessage(message=message, text=self._lexer.text, places=self._places)

    # --- parameters ---

    def _performative(self) -> Performative:
        token = self._take(Kind.BARE, "the performative is missing", "write it like (inform ...)")
        self._places[""] = token.offset_bytes
        found = _ACTS.get(token.value.lower())
        if found is None:
            near = near_names(shown(token.value), PERFORMATIVES)
            fix = did_you_mean(near) or f"use one of {', '.join(PERFORMATIVES)}"
            problem = f"{token.words} is none of the 22 performatives of FIPA"
            self._refuse(problem, fix, token=token, kind=ProblemKind.INVALID_VALUE)
        return found

    def _parameter_name(self, places: dict[str, int], known: tuple[str, ...]) -> str:
        """Take the name of a parameter, and note where its value begins. Returned without the colon."""
        token = self._token
        if token.kind is Kind.END:
            self._refuse("the closing `)` is missing", "close what was opened")
        if token.kind is not Kind.BARE or not token.value.startswith(b":"):
            problem = f"expected a parameter or `)`, found {token.words}"
            self._refuse(problem, "a parameter begins with a colon; look at the quotes before this place")
        spelled = token.value[1:].decode()
        name = parameter_key(spelled)
        if name not in known and (not name.startswith("x-") or name == "x-"):
            fix = did_you_mean(near_names(spelled, known)) or "a parameter of your own is `:X-...`"
            problem = f"{token.words} is no parameter here"
            self._refuse(problem, fix, kind=ProblemKind.UNKNOWN_FIELD)
        if name in places:
            problem = f"{token.words} is given a second time"
            self._refuse(problem, "give it once", kind=ProblemKind.CONTRADICTION)
        self._advance()
        places[name] = self._token.offset_bytes
        return name if name in known else spelled

    def _read_parameter(self, name: str) -> None:
        self._parameter = name
        if name == "sender":
            self._sender = self._agent(0)
        elif name in _AGENT_SETS:
            self._agents[name] = self._agent_set()
        elif name == "content":
            token = self._take(Kind.STRING, "the content is a string", 'write it in quotes: :content "..."')
            self._content = token.value.decode()
        elif name == "protocol":
            self._protocol = self._word("a protocol", "write it like fipa-contract-net, without quotes")
        elif name == "reply-by":
            self._reply_by = self._time()
        elif name in _EXPRESSIONS:
            self._expressions[name] = self._value()
        else:
            self._extensions.append((name, self._value()))
        self._parameter = ""

    def _time(self) -> DateTime:
        token = self._token
        fix = "write it like 20260301T120000000Z, or +00000000T000030000 for 30 seconds from now"
        if token.kind is not Kind.BARE:
            self._refuse(f"expected a time, found {token.words}", fix)
        try:
            time = parse_date_time(token.value.decode())
        except ValueError as error:
            self._refuse(f"{token.words} is no time: {error}", fix, kind=ProblemKind.INVALID_VALUE)
        self._advance()
        return time

    # --- agents ---

    def _agent_set(self) -> AgentSet:
        example = f"write it like (set {_EXAMPLE})"
        self._open(b"set", example)
        agents: list[AgentIdentifier] = []
        while self._token.kind is Kind.OPEN:
            if len(agents) == RECEIVERS_MAX:
                problem = f"the set names more than {RECEIVERS_MAX} agents"
                self._refuse(problem, "send several messages", kind=ProblemKind.OUT_OF_BOUNDS)
            agents.append(self._agent(0))
        self._take(Kind.CLOSE, "expected an agent identifier or `)`", example)
        return tuple(agents)

    def _agent(self, depth: int) -> AgentIdentifier:
        self._check_depth(depth)
        start = self._token
        self._open(b"agent-identifier", f"write it like {_EXAMPLE}")
        places: dict[str, int] = {}
        name = ""
        addresses: tuple[str, ...] = ()
        resolvers: list[AgentIdentifier] = []
        extensions: list[tuple[str, Expression]] = []
        while self._token.kind is not Kind.CLOSE:
            found = self._parameter_name(places, _AGENT_PARAMETERS)
            if found == "name":
                name = self._agent_name()
            elif found == "addresses":
                addresses = self._addresses()
            elif found == "resolvers":
                self._open(b"sequence", f"write it like (sequence {_EXAMPLE})")
                while self._token.kind is Kind.OPEN:
                    resolvers.append(self._agent(depth + 1))
                self._take(Kind.CLOSE, "expected an agent identifier or `)`", f"write it like {_EXAMPLE}")
            else:
                extensions.append((found, self._value()))
        self._advance()
        if not name:
            problem = "the agent identifier has no name"
            self._refuse(problem, f"write it like {_EXAMPLE}", token=start, kind=ProblemKind.MISSING)
        own: Extensions = tuple(extensions)
        return AgentIdentifier(name=name, addresses=addresses, resolvers=tuple(resolvers), extensions=own)

    def _agent_name(self) -> str:
        token = self._token
        if token.kind is Kind.STRING and token.value:
            self._advance()
            return token.value.decode()
        return self._word("a name", "write it like bidder@caxton; quote one that begins with a digit")

    def _addresses(self) -> tuple[str, ...]:
        example = "write it like (sequence http://host:7778/acc)"
        self._open(b"sequence", example)
        addresses: list[str] = []
        while self._token.kind is Kind.BARE:
            addresses.append(self._word("an address", example))
        self._take(Kind.CLOSE, "expected an address or `)`", example)
        return tuple(addresses)

    # --- values ---

    def _value(self) -> Expression:
        token = self._token
        if token.kind is Kind.BARE and token.value.startswith(b":"):
            self._refuse("the value of the parameter is missing", "give it one", kind=ProblemKind.MISSING)
        return self._expression(0)

    def _expression(self, depth: int) -> Expression:
        self._check_depth(depth)
        token = self._token
        if token.kind is Kind.OPEN:
            self._advance()
            items: list[Expression] = []
            while self._token.kind is not Kind.CLOSE:
                items.append(self._expression(depth + 1))
            self._advance()
            return tuple(items)
        if token.kind in {Kind.CLOSE, Kind.END}:
            self._refuse(f"expected a value, found {token.words}", "give it a value")
        if token.kind is Kind.BARE and not is_bare_value(token.value):
            self._refuse(f"{token.words} is neither a word nor a number nor a time", "put it in quotes")
        self._advance()
        return token.value.decode()

    def _word(self, noun: str, fix: str) -> str:
        token = self._token
        if token.kind is not Kind.BARE or token.value.startswith(b":") or not is_word(token.value):
            self._refuse(f"{noun} is a word, found {token.words}", fix)
        self._advance()
        return token.value.decode()

    def _open(self, keyword: bytes, fix: str) -> None:
        """Take an opening parenthesis and the keyword that follows it."""
        wanted = f"expected `({keyword.decode()}`"
        self._take(Kind.OPEN, wanted, fix)
        token = self._token
        if token.kind is not Kind.BARE or token.value.lower() != keyword:
            self._refuse(f"{wanted}, found {token.words}", fix)
        self._advance()

    def _check_depth(self, depth: int) -> None:
        if depth > DEPTH_MAX:
            problem = f"this is nested deeper than {DEPTH_MAX} levels"
            self._refuse(problem, "send a flatter message", kind=ProblemKind.TOO_DEEP)

    # --- tokens ---

    def _take(self, kind: Kind, problem: str, fix: str) -> Token:
        token = self._token
        if token.kind is not kind:
            self._refuse(f"{problem}, found {token.words}", fix)
        if kind is not Kind.END:
            self._advance()
        return token

    def _advance(self) -> None:
        self._token = self._lexer.next()

    def _refuse(
        self, problem: str, fix: str, *, token: Token | None = None, kind: ProblemKind = ProblemKind.SYNTAX
    ) -> NoReturn:
        offset_bytes = (token or self._token).offset_bytes
        parameter = shown(self._parameter.encode())
        raise fault_at(self._lexer.text, offset_bytes, problem, fix, kind=kind, parameter=parameter)
