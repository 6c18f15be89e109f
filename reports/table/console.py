"""The table that `bench run` prints: rich, never cut off, with everything under it that its numbers need."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import Run, Source, load_runs
from bench_lipsync.reports.table.model import Cell, Column, Grid, Row
from bench_lipsync.reports.table.remarks import remarks
from bench_lipsync.reports.terminal import terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_TEXT_WIDTH = 160
LEGEND = ("italic rows are bounds", "brackets are 95% intervals over identities")
STARS = "** is the best and * the second"
GAP = "Δ is the distance from the ground truth's value"


def print_result(runs: Source | Iterable[Source], console: Console | None = None) -> None:
    """Print the table of one or several runs. Errors as `reports.table.render.render_table`."""
    loaded = load_runs(runs)
    target = terminal(console, _TEXT_WIDTH)
    for part in _parts(loaded, make_grid(loaded), target):
        target.print(part)


def plain_text(runs: list[Run], grid: Grid, width: int = _TEXT_WIDTH) -> str:
    """The same without colour, for files and pipes."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        for part in _parts(runs, grid, console):
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _parts(runs: list[Run], grid: Grid, console: Console) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    tables = _fitting(grid, console)
    legend = [
        *LEGEND,
        *([STARS] if grid.verdicts.test_note else []),
        *([GAP] if grid.has_gaps else []),
        *([grid.verdicts.test_note] if grid.verdicts.test_note else []),
    ]
    lines = [Text("; ".join(legend), style="dim")]
    lines += [Text(f"{mark}  {printable(text)}") for mark, text in grid.footnotes]
    lines += [Text(printable(grid.published_note), style="cyan")] if grid.published else []
    lines += [
        Text(printable(f"not measured  {columns}: {reason}"), style="yellow") for columns, reason in grid.unmeasured
    ]
    lines += [Text(printable(f"note  {text}"), style="yellow") for text in remarks(grid)]
    lines += [Text(printable(f"notice  {text}"), style="yellow") for text in dict.fromkeys(_notices(runs))]
    failures = sum(len(run.result.failures) for run in runs)
    if failures:
        lines.append(Text(f"{failures} of the (model, clip) pairs failed; run.json and the page say why", style="red"))
    signatures = [Text(printable(signature), style="dim") for signature in grid.signatures]
    # Hanging lines are folded by rich at the console's width; a signature is never shortened.
    return [*tables, *(Padding(line, (0, 0, 0, 1)) for line in [*lines, *signatures])]


def _notices(runs: list[Run]) -> Iterable[str]:
    return (notice for run in runs for notice in run.result.notices)


def _fitting(grid: Grid, console: Console) -> list[Table]:
    """One table on one line a row if the console is wide enough, else intervals below values, else several tables."""
    for between in (" ", "\n"):
        table = _table(grid, range(len(grid.columns)), between)
        if _width(table, console) <= console.width:
            return [table]
    groups: list[list[int]] = [[]]
    for position in range(len(grid.columns)):
        if groups[-1] and _width(_table(grid, [*groups[-1], position], "\n"), console) > console.width:
            groups.append([])
        groups[-1].append(position)
    return [_table(grid, group, "\n") for group in groups]


def _width(table: Table, console: Console) -> int:
    return console.measure(table, options=console.options.update(width=10_000)).maximum


def _table(grid: Grid, positions: Iterable[int], between: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    chosen = list(positions)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", no_wrap=True)
    for position in chosen:
        table.add_column(_head(grid.columns[position]), justify="right", no_wrap=True)
    table.add_column("clips", justify="right", no_wrap=True)
    for number, row in enumerate(grid.rows):
        following = grid.rows[number + 1] if number + 1 < len(grid.rows) else None
        table.add_row(
            Text(printable(row.label), style="italic dim" if row.bound else "bold"),
            *(_cell(row, row.cells[position], between) for position in chosen),
            row.coverage,
            end_section=(following is not None and following.bound and not row.bound)
            or (following is None and bool(grid.published)),
        )
    for published in grid.published:
        values = (Text(published.values[position], style="cyan") for position in chosen)
        table.add_row(Text(f"{printable(published.label)} (published)", style="cyan"), *values, "")
    return table


def _head(column: Column) -> RenderableType:
    from rich.text import Text

    return Text.assemble(printable(column.title), "\n", (printable(column.detail), "dim"))


def _cell(row: Row, cell: Cell, between: str) -> RenderableType:
    from rich.text import Text

    style = "bold green" if cell.best else "underline" if cell.second else "italic dim" if row.bound else ""
    mark = f" {','.join(cell.marks)}" if cell.marks else ""
    below = "".join(between + part for part in (cell.interval, cell.gap and f"Δ{cell.gap}") if part)
    return Text.assemble((_starred(cell), style), (mark, "yellow"), (below, "dim"))


def _starred(cell: Cell) -> str:
    """Colour does not reach files and pipes, so the best and the second carry stars."""
    return cell.text + ("**" if cell.best else "*" if cell.second else "")
