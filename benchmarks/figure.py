"""A measured figure: what was promised, what came out, and what stands beside it.

A figure without a neighbour says little on a shared machine, so each carries the floor (the least that any
implementation must do) or the foil (the plain way to do the same) of the same run where there is one.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Literal, final

import msgspec

Better = Literal["more", "less"]


@final
class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `aim` and `beside` are in the unit of `measured`."""

    name: str
    claim: str
    measured: float
    unit: str
    method: str
    better: Better = "less"
    aim: float | None = None
    beside: float | None = None
    beside_name: str = ""
    # Kept and compared by the gate: the share of what stands beside it that this reaches, or costs.
    gated: bool = False

    @property
    def ratio(self) -> float | None:
        """Measured in terms of what stands beside it."""
        return None if not self.beside else self.measured / self.beside

    @property
    def reached(self) -> bool | None:
        """Tell whether the aim is reached; None without one."""
        if self.aim is None:
            return None
        return self.measured >= self.aim if self.better == "more" else self.measured <= self.aim


@final
class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one scenario measured, and on what machine."""

    scenario: str
    figures: list[Figure]
    load_before: float
    load_after: float
    seconds: float


def in_words(value: float | None) -> str:
    """Write a number with three or four significant digits."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"


def table(figures: Iterable[Figure]) -> str:
    """Write figures as a Markdown table."""
    rows = [
        "| figure | measured | aim | reached | beside it | ratio |",
        "| --- | ---: | ---: | --- | ---: | ---: |",
    ]
    for figure in figures:
        sign = "≥" if figure.better == "more" else "≤"
        aim = "" if figure.aim is None else f"{sign} {in_words(figure.aim)}"
        reached = {None: "", True: "yes", False: "no"}[figure.reached]
        beside = (
            "" if figure.beside is None else f"{in_words(figure.beside)} {figure.unit} ({figure.beside_name})"
        )
        rows.append(
            f"| {figure.name} | {in_words(figure.measured)} {figure.unit} | {aim} | {reached} | {beside} "
            f"| {in_words(figure.ratio)} |"
        )
    return "\n".join(rows)


def methods(figures: Iterable[Figure]) -> str:
    """Say for each figure what is claimed and how it was measured."""
    return "\n".join(f"- {figure.name}: {figure.claim}. {figure.method}." for figure in figures)


def median(values: Sequence[float]) -> float:
    """Return the middle of some values, the lower one of two."""
    return sorted(values)[(len(values) - 1) // 2]


def machine_load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return os.getloadavg()[0]
