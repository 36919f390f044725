"""Write the page of all settings: `python -m caxton.config docs/configuration.md`, or to the terminal."""

import sys
from pathlib import Path

from caxton.config.page import configuration_page


def main(arguments: list[str]) -> int:
    """Write the page to the file that is named, else to the standard output. Returns the exit status."""
    page = configuration_page()
    match arguments:
        case []:
            sys.stdout.write(page)
        case [path]:
            Path(path).write_text(page, encoding="utf-8")
        case _:
            sys.stderr.write("usage: python -m caxton.config [FILE]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
