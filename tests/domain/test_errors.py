"""The taxonomy of errors: complete, unique, and useful to whoever reads one."""

from collections.abc import Iterator

import msgspec
import pytest

from caxton.domain import errors
from caxton.domain.errors import CaxtonError, FaultKind, ParseKind
from caxton.domain.problem import Problem, ProblemKind

PROMISED = {
    "INVALID_REQUEST": 400,
    "INVALID_MESSAGE": 400,
    "INVALID_WASM": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "AGENT_NOT_FOUND": 404,
    "DEPLOYMENT_NOT_FOUND": 404,
    "CONVERSATION_NOT_FOUND": 404,
    "MESSAGE_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "AGENT_ALREADY_EXISTS": 409,
    "INVALID_STATE": 409,
    "PROTOCOL_VIOLATION": 409,
    "MESSAGE_TOO_LARGE": 413,
    "MAILBOX_FULL": 429,
    "RATE_LIMITED": 429,
    "RESOURCE_LIMIT_EXCEEDED": 429,
    "DEPLOYMENT_FAILED": 422,
    "AGENT_FAILED": 502,
    "DEADLINE_EXCEEDED": 504,
    "UNAVAILABLE": 503,
    "STORAGE_FULL": 507,
    "INTERNAL_ERROR": 500,
}
"""The codes of the management API and their statuses."""

AT_START_ONLY = {"CONFIGURATION_INVALID"}

FAMILIES = {
    errors.AgentError,
    errors.RoutingError,
    errors.DeploymentError,
    errors.ResourceError,
    errors.SecurityError,
    errors.ConfigurationError,
    errors.ObservabilityError,
}

PROBLEMS = [
    Problem(
        field="limits.fuel_max", kind=ProblemKind.OUT_OF_BOUNDS, problem="0 is out of bounds", fix="give 1"
    ),
    Problem(field="", kind=ProblemKind.SYNTAX, problem="this is not JSON", fix="send JSON", where="stdin:1"),
]

EXAMPLES: list[CaxtonError] = [
    errors.InvalidRequest(PROBLEMS),
    errors.ParseError(
        "agent id", "x", ParseKind.INVALID_FORMAT, "`x` is no id", "give digits", suggestions=["1"]
    ),
    errors.InvalidPercentage(101.0),
    errors.InvalidRatio(2.0),
    errors.NotFound("tool", "hamer", suggestions=["hammer"]),
    errors.ConfigurationInvalid(PROBLEMS),
    errors.AgentNotFound("biddr", suggestions=["bidder"]),
    errors.AgentAlreadyExists("bidder", agent_id="7"),
    errors.InvalidState("stopped", "drain", subject="agent bidder", allowed=["start"]),
    errors.InvalidWasm(PROBLEMS),
    errors.AgentFailed("bidder", FaultKind.TRAP, "unreachable"),
    errors.NoRoute("biddr", suggestions=["bidder"]),
    errors.NobodyCapable("translat", 0, suggestions=["translate"]),
    errors.InvalidMessage(PROBLEMS),
    errors.InvalidMessageFormat(PROBLEMS[1], offset_bytes=12, line=2, column=3),
    errors.MessageTooLarge(2_000_000, 1_048_576),
    errors.MailboxFull("bidder", 1000),
    errors.NobodyFree("translate", 3),
    errors.ProtocolViolation("wrong_role", "InProgress", performative="cancel", protocol="fipa-request"),
    errors.ConversationNotFound("c1"),
    errors.MessageNotFound("m1"),
    errors.DeadlineExceeded(5000, message_id="m", conversation_id="c"),
    errors.DeploymentNotFound("d1"),
    errors.DeploymentFailed("bidder", "start", "caxton_init returned -1"),
    errors.ResourceLimitExceeded("agents", 100_000),
    errors.RateLimited("this token", 100.0, retry_after_s=0.25),
    errors.Unavailable("the server is starting", components=["core"]),
    errors.StorageFull("/var/lib/caxton"),
    errors.Unauthorized("expired"),
    errors.Forbidden("agent:deploy", role="viewer"),
    errors.CursorUnknown("x"),
    errors.InternalError(),
]


def subclasses(of: type[CaxtonError]) -> Iterator[type[CaxtonError]]:
    for found in of.__subclasses__():
        yield found
        yield from subclasses(found)


def concrete() -> set[type[CaxtonError]]:
    # The API adds refusals of its own, which its tests know.
    found = {one for one in subclasses(CaxtonError) if one.__module__.startswith("caxton.domain")}
    return found - FAMILIES


def owners() -> list[type[CaxtonError]]:
    return [found for found in concrete() if "code" in vars(found)]


def test_the_codes_are_the_promised_ones_with_their_statuses() -> None:
    assert {
        found.code: found.http_status for found in owners() if found.code not in AT_START_ONLY
    } == PROMISED


def test_each_code_has_one_owner() -> None:
    codes = [found.code for found in owners()]
    assert len(codes) == len(set(codes))


def test_each_class_has_a_code_a_status_and_somebody_at_fault() -> None:
    for found in concrete():
        assert found.code.isupper()
        assert 400 <= found.http_status <= 599
        assert found.fault in {"caller", "agent", "operator", "server"}


def test_each_class_belongs_to_a_family_but_the_unexpected() -> None:
    for found in concrete() - {errors.InternalError}:
        assert any(issubclass(found, family) for family in FAMILIES), found


def test_families_stand_directly_under_the_root_and_are_all_in_use() -> None:
    assert set(CaxtonError.__subclasses__()) - {errors.InternalError} == FAMILIES
    assert all(family.__subclasses__() for family in FAMILIES)


def test_every_class_is_exported_and_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} == concrete()
    assert {found.__name__ for found in concrete() | FAMILIES} <= set(errors.__all__)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_becomes_the_document_of_the_api(error: CaxtonError) -> None:
    document = msgspec.json.decode(
        msgspec.json.encode(error.document("a" * 32)), type=dict[str, dict[str, object]]
    )
    body = document["error"]
    assert list(body) == ["code", "message", "details", "hint", "trace_id"]
    assert body["code"] == error.code
    assert body["message"] == str(error) != ""
    assert body["hint"]
    assert body["trace_id"] == "a" * 32


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_waiting_is_offered_exactly_where_it_helps(error: CaxtonError) -> None:
    assert (error.retry_after_s is not None) is error.retryable
    if error.http_status == 429:
        assert error.retryable


def test_each_class_speaks_for_itself() -> None:
    for found in concrete():
        own = {name for base in found.__mro__ if base is not CaxtonError for name in vars(base)}
        assert "_message" in own
        assert "_hint" in own or found is errors.InternalError


def test_a_missing_receiver_is_a_missing_agent() -> None:
    with pytest.raises(errors.AgentNotFound):
        raise errors.NoRoute("x")
    assert errors.NoRoute.code == "AGENT_NOT_FOUND"
    assert issubclass(errors.NoRoute, errors.RoutingError)


def test_a_capability_of_nobody_and_one_of_those_who_do_not_run_are_told_apart() -> None:
    unknown = errors.NobodyCapable("translat", 0, suggestions=["translate"])
    assert (unknown.code, unknown.hint) == ("AGENT_NOT_FOUND", "did you mean `translate`?")
    resting = errors.NobodyCapable("translate", 2)
    assert "none of the 2 agents" in resting.message
    assert "start" in resting.hint
    assert resting.details()["holders_count"] == 2


def test_near_names_are_offered_in_hint_and_details() -> None:
    error = errors.AgentNotFound("biddr", suggestions=["bidder", "binder"])
    assert error.hint == "did you mean `bidder` or `binder`?"
    assert error.details()["suggestions"] == ["bidder", "binder"]


def test_details_list_every_problem_with_its_place() -> None:
    rows = errors.InvalidWasm(PROBLEMS).details()["problems"]
    assert rows == [
        {
            "field": "limits.fuel_max",
            "kind": "out_of_bounds",
            "problem": "0 is out of bounds",
            "fix": "give 1",
        },
        {
            "field": "",
            "kind": "syntax",
            "problem": "this is not JSON",
            "fix": "send JSON",
            "where": "stdin:1",
        },
    ]


def test_a_fault_in_a_text_is_an_invalid_message_with_its_place() -> None:
    error = errors.InvalidMessageFormat(PROBLEMS[1], offset_bytes=12, line=2, column=3)
    assert isinstance(error, errors.InvalidMessage)
    assert error.code == "INVALID_MESSAGE"
    assert error.details()["position"] == {"offset_bytes": 12, "line": 2, "column": 3}
    assert error.hint == PROBLEMS[1].fix


def test_a_long_text_of_the_caller_does_not_come_back_whole() -> None:
    assert len(str(errors.AgentNotFound("x" * 10_000).document())) < 1000


def test_an_invalid_state_names_state_operation_and_what_is_allowed() -> None:
    error = errors.InvalidState("stopped", "drain", subject="agent bidder", allowed=["start"])
    assert error.details()["state"] == "stopped"
    assert error.details()["operation"] == "drain"
    assert "start" in error.hint
    assert "stopped" in error.message
    assert "drain" in error.message
