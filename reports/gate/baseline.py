"""A baseline on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench_lipsync.harness.gate.baseline import Baseline
from bench_lipsync.reports.escape import visible
from bench_lipsync.reports.table.format import ARROWS, decimals_for, format_value

if TYPE_CHECKING:
    from rich.console import Console


def print_baseline(found: Baseline, console: Console | None = None) -> None:
    """Rows and columns as in a table of results, then what the numbers are and where they come from."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    target = console or Console()
    if console is None and not target.is_terminal:
        target = Console(width=140)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("Number", no_wrap=True, min_width=max(map(len, found.measured), default=0) + 2)
    for name in found.models:
        table.add_column(Text(visible(name)), justify="right", overflow="fold")
    for column, facts in found.columns.items():
        values = [row.metrics.get(column) for row in found.models.values()]
        numbers = [value.value if value else None for value in values]
        if any(number is not None for number in numbers):
            digits = decimals_for(numbers)
            label = Text(visible(f"{column} {ARROWS[facts.direction]}"))
            table.add_row(label, *(format_value(number, digits) for number in numbers))
    target.print(table)
    people = len({clip.identity for clip in found.clips.values()})
    spec = ", ".join(f"{key} {value}" for key, value in found.spec.items() if value is not None)
    lines = [
        f"{len(found.clips)} clips of {people} people; {spec}",
        f"made {found.created} by bench {found.bench} on {found.device}",
    ]
    lines += sorted(found.columns[column].signature for column in found.measured)
    for line in lines:
        target.print(Text(visible(line)), soft_wrap=True)
