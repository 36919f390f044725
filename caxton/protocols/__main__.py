"""Write the page of all protocols: `python -m caxton.protocols docs/protocols.md`, or to the terminal."""

import sys

from caxton.protocols.page import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
