"""The program `caxton`: commands by noun, each a thin client of the management API.

What a person types enters; API calls, tables or JSON and an exit code leave. A command's module is
imported when that command runs and not before, so that `--help` stays quick. Exit codes: 0 done,
1 the server said no, 2 wrong usage, 3 not reachable.
"""
