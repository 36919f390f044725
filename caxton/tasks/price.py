"""Prices: whole numbers stay whole, and tenths add up as they do on paper."""

import math
from decimal import Decimal

Price = int | float


def raised(price: Price, step: Price) -> Price | None:
    """Return the price a step higher; None where numbers are too coarse for that."""
    return _sum(price, step, 1)


def lowered(price: Price, step: Price) -> Price | None:
    """Return the price a step lower; None where numbers are too coarse for that."""
    return _sum(price, step, -1)


def _sum(price: Price, step: Price, sign: int) -> Price | None:
    if isinstance(price, int) and isinstance(step, int):
        return price + sign * step
    # As text a number is what its author wrote: 0.1 and 0.2 make 0.3.
    total = float(Decimal(str(price)) + sign * Decimal(str(step)))
    moved = total > price if sign > 0 else total < price
    return total if math.isfinite(total) and moved else None
