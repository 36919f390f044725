"""`python -m caxton` is the program `caxton`."""

from caxton.cli.main import main

if __name__ == "__main__":
    main()
