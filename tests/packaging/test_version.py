import tomllib
from importlib.metadata import version
from pathlib import Path

import caxton

ROOT = Path(__file__).parents[2]


def test_the_package_the_metadata_and_the_project_file_name_one_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["version"]
    assert caxton.__version__ == version("caxton") == declared
