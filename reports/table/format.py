"""Numbers as a reader should see them: the same digits down a column, no digit that means nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
DIRECTION_WORDS = {"higher": "higher is better", "lower": "lower is better", "none": "no better direction"}


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals by a column's largest value, as papers print them: FID 118.3, LSE 7.23, SSIM 0.912, LPIPS 0.0512."""
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if largest >= 100:
        return 1
    if largest >= 2 or largest == 0:
        return 2
    return 3 if largest >= 0.1 else min(6, 2 - math.floor(math.log10(largest)))


def format_value(value: float | None, decimals: int, minus: str = "-") -> str:
    """`value` with `decimals` digits after the point; `n/a` for `None` and NaN. Never prints a negative zero."""
    if value is None or math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else f"{minus}∞"
    text = f"{value:.{decimals}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", minus)


def format_change(value: float, decimals: int) -> str:
    """`value` with its sign; what rounds to nothing has none."""
    text = format_value(value, decimals)
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"


def format_interval(low: float | None, high: float | None, decimals: int, minus: str = "-") -> str:
    """`[11.9, 12.8]`, or nothing where there is no interval."""
    if low is None or high is None:
        return ""
    return f"[{format_value(low, decimals, minus)}, {format_value(high, decimals, minus)}]"


def footnote_mark(index: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa: marks that cannot be taken for digits of the number."""
    mark = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        mark = chr(ord("a") + rest) + mark
    return mark
