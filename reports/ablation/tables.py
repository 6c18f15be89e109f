"""The table of an ablation for a terminal, for Markdown and for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench_lipsync.harness.ablation.variants import Ablation
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.ablation.grid import AblationCell, AblationGrid, AblationRow, ablation_grid
from bench_lipsync.reports.escape import markdown
from bench_lipsync.reports.table.latex import escape, latex_head, latex_line, latex_number
from bench_lipsync.reports.terminal import terminal

if TYPE_CHECKING:
    from rich.console import Console

NOTE = "below the values: change from the full model and its 95% interval over identities"


def ablation_table(ablation: Ablation, format: str = "latex") -> str:
    """The table in `format`, `latex` or `markdown`. Raises `BenchError` for another one."""
    grid = ablation_grid(ablation)
    if format == "markdown":
        return _markdown(grid, ablation)
    if format == "latex":
        return _latex(grid, ablation)
    raise BenchError(f"an ablation has no format {format!r}; known: latex, markdown")


def data_line(ablation: Ablation) -> str:
    """The dataset, the clips, the protocol and the seed of the numbers."""
    spec, clips = ablation.result.spec, ablation.result.clips
    identities = len({clip.identity for clip in clips})
    data = f"{spec.get('dataset')} ({spec.get('split')}), {len(clips)} clips of {identities} identities"
    return f"{data}, {spec.get('protocol')}, seed {spec.get('seed')}"


def labelled(row: AblationRow, ablation: Ablation) -> str:
    """The row's label, with its mode where there are several."""
    return row.label if row.bound or len(ablation.modes) == 1 else f"{row.label} ({row.mode})"


def _markdown(grid: AblationGrid, ablation: Ablation) -> str:
    head = ["", *(f"{markdown(column.name)} {column.arrow}".strip() for column in grid.columns)]
    lines = [f"| {' | '.join(head)} |", f"|:---|{'---:|' * len(grid.columns)}"]
    for row in grid.rows:
        label = markdown(labelled(row, ablation))
        cells = [_md_cell(cell) for cell in row.cells]
        lines.append(f"| {' | '.join([f'*{label}*' if row.bound else label, *cells])} |")
    lines += ["", markdown(f"{data_line(ablation)}; {NOTE}; {grid.test_note}."), ""]
    lines += [f"- `{printable(column.signature).replace('`', '')}`" for column in grid.columns]
    return "\n".join(lines) + "\n"


def _md_cell(cell: AblationCell) -> str:
    if not cell.change:
        return cell.text
    change = f"**{cell.change}**\\*" if cell.counts else cell.change
    return f"{cell.text}<br>{change} {cell.interval}".rstrip()


def _latex(grid: AblationGrid, ablation: Ablation) -> str:
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc} in the preamble",
        *(f"% {printable(column.signature).encode('ascii', 'replace').decode()}" for column in grid.columns),
        f"\\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
        "\\toprule",
        latex_line(["", *(latex_head(column) for column in grid.columns)]),
    ]
    group = None
    for row in grid.rows:
        if row.mode != group:
            lines.append("\\midrule")
            group = row.mode
        label = escape(labelled(row, ablation))
        lines.append(
            latex_line([f"\\textit{{{label}}}" if row.bound else label, *(latex_number(c.text) for c in row.cells)])
        )
        if any(cell.change for cell in row.cells):
            lines.append(latex_line(["", *(_change(cell) for cell in row.cells)]))
        if any(cell.interval for cell in row.cells):
            lines.append(latex_line(["", *(_small(cell.interval) for cell in row.cells)]))
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"\n{{\\footnotesize {escape(text)}.\\par}}" for text in (data_line(ablation), NOTE, grid.test_note)]
    return "\n".join(lines) + "\n"


def _change(cell: AblationCell) -> str:
    return _small(cell.change, "$^{*}$" if cell.counts else "")


def _small(text: str, mark: str = "") -> str:
    return f"{{\\scriptsize {latex_number(text)}{mark}}}" if text else ""


def print_ablation(ablation: Ablation, console: Console | None = None) -> None:
    """The same on a terminal: a block for every metric, because values, changes and intervals side by side are wide."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = ablation_grid(ablation)
    target = terminal(console, 120)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in ("Metric", "Row", "Value", "Change", "95% interval", "p (Holm)"):
        table.add_column(name, justify="left" if name in ("Metric", "Row") else "right", overflow="fold")
    for place, column in enumerate(grid.columns):
        shown = [row for row in grid.rows if not row.bound]
        for number, row in enumerate(shown):
            cell = row.cells[place]
            p = "" if cell.delta is None or cell.delta.p_holm is None else f"{cell.delta.p_holm:.2g}"
            name = f"{column.key} {column.arrow}" if number == 0 else ""
            texts = (name, labelled(row, ablation), cell.text, cell.change, cell.interval, p)
            bold = "bold" if cell.counts else ""
            table.add_row(*(Text(printable(text), style=bold) for text in texts), end_section=row is shown[-1])
    target.print(table)
    note = grid.test_note.replace("* more", "Bold is more")
    target.print(Text(printable(f"{data_line(ablation)}. {note}.")), soft_wrap=True)
