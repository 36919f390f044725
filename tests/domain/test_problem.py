"""One fault, and how it reads."""

from caxton.domain.problem import Problem, ProblemKind


def test_a_problem_reads_from_its_place_to_its_remedy() -> None:
    problem = Problem(
        field="server.port",
        kind=ProblemKind.OUT_OF_BOUNDS,
        problem="70000 is out of bounds",
        fix="give 0 to 65535",
    )
    assert str(problem) == "server.port: 70000 is out of bounds; give 0 to 65535"


def test_a_place_outside_of_the_input_comes_first() -> None:
    problem = Problem(field="a", kind=ProblemKind.SYNTAX, problem="p", fix="", where="caxton.yaml:3")
    assert str(problem) == "caxton.yaml:3: a: p"
    assert str(Problem(field="", kind=ProblemKind.SYNTAX, problem="p", fix="f")) == "p; f"
