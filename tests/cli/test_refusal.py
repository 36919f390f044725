"""How the end of a command reads."""

import msgspec

from caxton.cli.refusal import Refused, Unreachable
from tests.cli.echo_server import server_that_says
from tests.cli.program import caxton

BODY = msgspec.json.encode(
    {
        "error": {
            "code": "INVALID_WASM",
            "message": "the module has 2 problems",
            "details": {
                "problems": [
                    {"code": "no_memory", "message": "the module has no memory", "hint": "export one"},
                    {
                        "field": "limits.fuel_max",
                        "kind": "out_of_bounds",
                        "problem": "too small",
                        "fix": "give more",
                    },
                ],
                "profile": "strict",
            },
            "hint": "mend them all",
            "trace_id": "4bf92f35",
        }
    }
)


def test_a_person_reads_message_problems_details_hint_and_trace() -> None:
    with server_that_says(400, BODY) as told:
        ran = caxton("agent", "get", "x", "--server", told.url, "--token", "t")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.splitlines() == [
        "error: the module has 2 problems [INVALID_WASM]",
        "  - the module has no memory [no_memory]",
        "    export one",
        "  - limits.fuel_max: too small",
        "    give more",
        "  profile: strict",
        "hint: mend them all",
        "trace: 4bf92f35",
    ]


def test_a_program_reads_the_apis_own_error_object() -> None:
    with server_that_says(400, BODY) as told:
        ran = caxton("agent", "get", "x", "--output", "json", "--server", told.url, "--token", "t")
    assert ran.code == 1
    assert msgspec.json.decode(ran.err) == msgspec.json.decode(BODY)


def test_options_before_the_command_count_too() -> None:
    with server_that_says(400, BODY) as told:
        ran = caxton("--output", "json", "--server", told.url, "--token", "t", "agent", "get", "x")
    assert ran.error()["code"] == "INVALID_WASM"


def test_the_option_nearest_to_the_end_wins() -> None:
    with server_that_says(400, BODY) as told:
        ran = caxton(
            "-o",
            "table",
            "--server",
            "http://127.0.0.1:1",
            "agent",
            "get",
            "x",
            "-o",
            "json",
            "--token",
            "t",
            "--server",
            told.url,
        )
    assert ran.error()["code"] == "INVALID_WASM"


def test_the_server_of_the_environment_is_asked() -> None:
    with server_that_says(400, BODY) as told:
        ran = caxton("agent", "get", "x", CAXTON_SERVER=told.url, CAXTON_TOKEN="t")
    assert ran.code == 1


def test_near_names_are_offered_once() -> None:
    refused = Refused(code="AGENT_NOT_FOUND", message="no", details={"suggestions": ["a", "b"]})
    assert "  did you mean: a, b?" in refused.lines()
    told = Refused(code="X", message="no", details={"suggestions": ["a"]}, hint="did you mean `a`?")
    assert sum("did you mean" in line for line in told.lines()) == 1


def test_a_servers_words_cannot_steer_the_terminal() -> None:
    refused = Refused(code="X", message="\x1b[2Jgone", details={"problems": ["\x07"], "a": {"b": "\x1b"}})
    assert "\x1b[2J" not in "".join(refused.lines())
    assert "\x07" not in "".join(refused.lines())


def test_problems_of_an_unknown_shape_are_shown_as_they_are() -> None:
    assert "  problems: 7" in Refused(code="X", message="no", details={"problems": 7}).lines()


def test_nobody_there_is_exit_code_three() -> None:
    assert Unreachable.at("nobody").exit_code == 3
    ran = caxton("agent", "list", "--server", "http://127.0.0.1:1", "--token", "t")
    assert ran.code == 3
    assert "caxton serve" in ran.err
