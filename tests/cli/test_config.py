"""The configuration can be shown and checked without a server."""

from pathlib import Path

from tests.cli.program import caxton, fields, rows

FILE = """\
server:
  port: 8181
security:
  rate_limit: 50
"""


def written(directory: Path, text: str) -> str:
    path = directory / "caxton.yaml"
    path.write_text(text)
    return str(path)


def test_show_tells_what_was_set_and_where(tmp_path: Path) -> None:
    ran = caxton(
        "config",
        "show",
        written(tmp_path, FILE),
        "--set",
        "runtime.workers=2",
        CAXTON__SERVER__HOST="localhost",
    )
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()[1:]]
    assert ["server.port", "8181", f"{tmp_path}/caxton.yaml:2"] in rows
    assert ["server.host", '"localhost"', "CAXTON__SERVER__HOST"] in rows
    assert ["runtime.workers", "2", "--set", "runtime.workers"] in rows
    assert not any(row[0] == "server.metrics_port" for row in rows)


def test_show_all_includes_the_defaults(tmp_path: Path) -> None:
    ran = caxton("config", "show", written(tmp_path, FILE), "--all")
    assert ["server.metrics_port", "9090", "default"] in [line.split() for line in ran.out.splitlines()]


def test_show_gives_programs_values_of_their_own_type(tmp_path: Path) -> None:
    settings = caxton("config", "show", written(tmp_path, FILE), "-o", "json").document()["settings"]
    assert fields(settings)["server.port"] == {"value": 8181, "source": f"{tmp_path}/caxton.yaml:2"}


def test_a_good_configuration_is_valid(tmp_path: Path) -> None:
    assert caxton("config", "validate", written(tmp_path, FILE)).code == 0
    assert caxton("config", "validate", written(tmp_path, FILE), "-o", "json").document() == {"valid": True}


def test_every_problem_is_named_at_once_with_its_place_and_what_to_do(tmp_path: Path) -> None:
    file = written(tmp_path, "server:\n  prt: 1\nruntime:\n  workers: many\n")
    ran = caxton("config", "validate", file, "--set", "server.port=99999")
    assert ran.code == 2
    assert "caxton.yaml:2: server.prt" in ran.err
    assert "did you mean `server.port`?" in ran.err
    assert "caxton.yaml:4: runtime.workers" in ran.err
    assert "0 to 65535" in ran.err
    assert "Traceback" not in ran.err


def test_serve_with_check_says_yes_without_serving(tmp_path: Path) -> None:
    ran = caxton(
        "serve", "--check", "--config", written(tmp_path, FILE), "--data-dir", str(tmp_path / "data")
    )
    assert (ran.code, ran.out) == (0, "the configuration is valid\n")
    assert not (tmp_path / "data").exists()


def test_serve_with_check_names_the_flag_that_is_wrong() -> None:
    ran = caxton("serve", "--check", "--port", "99999", "-o", "json")
    assert ran.code == 2
    assert ran.out == ""
    (problem,) = rows(fields(ran.error()["details"])["problems"])
    assert problem["where"] == "--port"


def test_a_setting_of_a_capability_that_is_not_there_is_refused() -> None:
    ran = caxton("serve", "--check", "--set", "server.grpc_port=50051")
    assert ran.code == 2
    assert "server.grpc_port" in ran.err


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    ran = caxton("config", "validate", str(tmp_path / "nowhere.yaml"))
    assert ran.code == 2
    assert "nowhere.yaml" in ran.err
