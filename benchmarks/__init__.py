"""Benchmarks: every figure that the project claims, measured beside its floor or foil in one run.

`python -m benchmarks` measures and prints a table; `python -m benchmarks.gate` compares ratios with those
that are kept; `python -m benchmarks.soak` runs for long with random troubles. The `bench_*.py` files are
small steps under pytest-benchmark (`make bench-steps`). Machines are shared: read ratios, not times.
"""
