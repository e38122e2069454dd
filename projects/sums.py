"""How a sum and a quantity are read, on every page and paper. Pure."""

from decimal import Decimal


def as_sum(sum_: Decimal | None) -> str:
    """Return a sum as it is read, such as “1,800” or “0.5”; empty without one."""
    return "" if sum_ is None else f"{sum_.normalize():,f}"


def as_figure(quantity: Decimal | None, unit: str = "") -> str:
    """Return a quantity without idle zeros and its unit, such as “1.5万套”; empty without one."""
    return "" if quantity is None else f"{quantity.normalize():f}{unit}"
