"""The container image, as far as it can be judged by reading; `make image-steps` builds it."""

from pathlib import Path

import pytest

from dockerfile import DockerfileError, Stage, command, parse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stages() -> list[Stage]:
    return parse((ROOT / "Dockerfile").read_text("utf-8"))


def rest_of(stage: Stage, word: str) -> str:
    (found,) = [step.rest for step in stage.instructions if step.word == word]
    return found


def test_the_image_has_a_stage_that_builds_and_one_that_runs_on_the_same_base(stages: list[Stage]) -> None:
    assert [stage.name for stage in stages] == ["build", "1"]
    assert stages[0].image == stages[1].image == "debian:bookworm-slim"


def test_the_image_runs_as_a_numbered_user_that_is_not_root(stages: list[Stage]) -> None:
    user, group = (int(number) for number in rest_of(stages[-1], "USER").split(":"))
    assert user >= 1000
    assert group >= 1000


def test_signals_reach_the_server_since_no_shell_stands_between(stages: list[Stage]) -> None:
    assert command(rest_of(stages[-1], "ENTRYPOINT")) == ["caxton"]
    assert command(rest_of(stages[-1], "CMD")) == ["serve"]
    assert command(rest_of(stages[-1], "HEALTHCHECK").partition("CMD")[2]) == ["caxton", "health"]


def test_the_running_stage_holds_no_compiler(stages: list[Stage]) -> None:
    installed = " ".join(step.rest for step in stages[-1].instructions if step.word == "RUN")
    assert "gcc" not in installed
    assert "-dev" not in installed


def test_each_copied_file_exists_and_is_sent_to_the_engine(stages: list[Stage]) -> None:
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [step.rest.split() for step in stages[0].instructions if step.word == "COPY"]
    for name in (name for words in copied for name in words[:-1]):
        assert (ROOT / name).exists(), name
        assert f"!{name}" in sent, name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("RUN true\n", "before the first FROM"),
        ("FROM debian\nONBUILD RUN true\n", "ONBUILD"),
    ],
)
def test_a_dockerfile_beyond_what_is_understood_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(DockerfileError, match=complaint):
        parse(text)


def test_a_shell_form_command_is_refused() -> None:
    with pytest.raises(DockerfileError, match="exec form"):
        command("caxton serve")


def test_lines_are_joined_and_arguments_put_in() -> None:
    (stage,) = parse("ARG BASE=debian:12\n# why\nFROM ${BASE} AS build\nRUN one \\\n  # not this\n  && two\n")
    assert (stage.image, stage.name) == ("debian:12", "build")
    assert [(step.line, step.word, step.rest.split()) for step in stage.instructions] == [
        (4, "RUN", ["one", "&&", "two"])
    ]
