"""Builds the results table (`Grid`) from one or several runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.common_clips import coverage
from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.harness.tasks.task import Task
from bench_lipsync.reports.table.format import decimals_for, footnote_mark, format_interval, format_value
from bench_lipsync.reports.table.loading import ComparisonError, Run
from bench_lipsync.reports.table.model import Cell, Column, Grid, PublishedRow, Row
from bench_lipsync.reports.table.significance import find_verdicts, mark_best

NOT_MEASURED = "not measured in this run"


def make_grid(runs: list[Run]) -> Grid:
    """Build the table of one or several runs.

    Raises:
        ComparisonError: A metric has two signatures.

    """
    spec = runs[0].spec
    task = spec.task if spec else None
    measured, unmeasured = _columns(runs, _published_columns(task))
    notes: dict[str, str] = {}
    rows = [_row(entry, runs[entry.run], measured, notes) for entry in _entries(runs)]
    marks = tuple((mark, text) for text, mark in notes.items())
    verdicts = find_verdicts(rows, measured, runs)
    return Grid(
        tuple(measured),
        tuple(mark_best(rows, measured, verdicts)),
        marks,
        unmeasured,
        verdicts,
        *_published(task, measured),
        task=task.signature(spec.changes_to_task()) if spec and task else "",
    )


def _published_columns(task: Task | None) -> set[str]:
    return {column for row in task.published.rows.values() for column in row} if task and task.published else set()


def _published(task: Task | None, columns: list[Column]) -> tuple[tuple[PublishedRow, ...], str]:
    """What was published for the task, and a note where it is from."""
    if task is None or task.published is None:
        return (), ""
    published = task.published.rows
    digits = {
        column.key: _digits([row[column.key] for row in published.values() if column.key in row]) for column in columns
    }
    rows = [
        PublishedRow(name, tuple(f"{row[key]:.{places}f}" if key in row else "" for key, places in digits.items()))
        for name, row in published.items()
    ]
    note = f"published rows are from {task.published.source} and were not measured here"
    return tuple(rows), note + (f": {task.published.note}" if task.published.note else "")


@dataclass(frozen=True)
class _Entry:
    label: str
    model: str
    mode: str
    bound: bool
    run: int
    metrics: dict[str, MetricRow]


def _digits(values: list[float]) -> int:
    """Decimals of a column as it is printed: those of its longest value."""
    return max((len(repr(value).partition(".")[2]) for value in values), default=0)


def _columns(runs: list[Run], published: set[str]) -> tuple[list[Column], tuple[tuple[str, str], ...]]:
    by_column: dict[str, list[MetricRow]] = {}
    for run in runs:
        for row in run.result.metrics:
            by_column.setdefault(row.column, []).append(row)
    measured: list[Column] = []
    missing: dict[str, list[str]] = {}
    for key, rows in by_column.items():
        valued = [row for row in rows if row.value is not None]
        if not valued and key not in published:
            missing.setdefault(rows[0].note or "no clip gave a value", []).append(key)
            continue
        _one_signature(key, valued)
        numbers = [number for row in valued for number in (row.value, row.ci_low, row.ci_high)]
        first = (valued or rows)[0]
        measured.append(
            Column(first.name, first.variant, first.direction, first.unit, first.signature, decimals_for(numbers))
        )
    return measured, tuple((", ".join(keys), reason) for reason, keys in missing.items())


def _one_signature(key: str, rows: list[MetricRow]) -> None:
    seen = {row.signature: row.model for row in reversed(rows)}
    if len(seen) > 1:
        listed = "; ".join(f"{model} has {signature}" for signature, model in reversed(seen.items()))
        raise ComparisonError(
            f"{key} comes with {len(seen)} signatures and a table never mixes them: {listed}; "
            "score again with one setting"
        )


def _entries(runs: list[Run]) -> list[_Entry]:
    """Rows in a stable order: models as given, then the bounds. A row that two runs agree on is listed once."""
    entries: list[_Entry] = []
    for number, run in enumerate(runs):
        kinds = {str(card.get("name")): str(card.get("kind", "model")) for card in run.result.models}
        by_row: dict[tuple[str, str], dict[str, MetricRow]] = {}
        modes: dict[str, list[str]] = {name: [] for name in kinds}
        for row in run.result.metrics:
            by_row.setdefault((row.model, row.mode), {})[row.column] = row
            if row.mode not in modes.setdefault(row.model, []):
                modes[row.model].append(row.mode)
        for model, model_modes in modes.items():
            for mode in model_modes or ["zero-shot"]:
                entry = _Entry(model, model, mode, kinds.get(model) == "bound", number, by_row.get((model, mode), {}))
                if not any(_same(entry, other) for other in entries):
                    entries.append(entry)
    return _labelled(sorted(entries, key=_rank), runs)


def _same(one: _Entry, two: _Entry) -> bool:
    return (one.model, one.mode, one.metrics) == (two.model, two.mode, two.metrics)


def _rank(entry: _Entry) -> int:
    if not entry.bound:
        return 0
    return 1 + (BOUNDS.index(entry.model) if entry.model in BOUNDS else len(BOUNDS))


def _labelled(entries: list[_Entry], runs: list[Run]) -> list[_Entry]:
    labels = [_told(entry) for entry in entries]
    twice = Counter(labels)
    return [
        replace(entry, label=f"{label} @ {runs[entry.run].label}" if twice[label] > 1 else label)
        for entry, label in zip(entries, labels, strict=True)
    ]


def _told(entry: _Entry) -> str:
    """The row's name, with its mode; runs that have both modes say it in the model's name already."""
    mode = f" ({entry.mode})"
    return entry.model if entry.mode == "zero-shot" or entry.model.endswith(mode) else entry.model + mode


def _row(entry: _Entry, run: Run, columns: list[Column], notes: dict[str, str]) -> Row:
    counts = Counter((row.n_ok, row.n_total) for row in entry.metrics.values() if row.value is not None)
    usual = counts.most_common(1)[0][0] if counts else None
    totals = [row.n_total for row in entry.metrics.values()]
    coverage = f"{usual[0]}/{usual[1]}" if usual else f"0/{max(totals, default=0)}"
    cells = [_cell(entry.metrics.get(column.key), run, column, usual, notes) for column in columns]
    return Row(entry.label, entry.model, entry.mode, entry.bound, entry.run, coverage, tuple(cells))


def _cell(row: MetricRow | None, run: Run, column: Column, usual: Any, notes: dict[str, str]) -> Cell:
    if row is None:
        return Cell(None, "n/a", "", (_mark(NOT_MEASURED, notes),))
    texts = [row.note] if row.note else []
    if row.value is None:
        texts = texts or ["no clip gave a value"]
    elif (row.n_ok, row.n_total) != usual:
        texts.append(f"over {row.n_ok} of {row.n_total} clips")
    if row.from_truth is not None and 0 < row.n_from_truth < row.n_ok:
        texts.append(f"Δ {coverage(row.n_from_truth, row.n_total)}")
    return Cell(
        row,
        format_value(row.value, column.decimals),
        format_interval(row.ci_low, row.ci_high, column.decimals) if row.value is not None else "",
        tuple(_mark(text, notes) for text in texts),
        gap=format_value(row.from_truth, column.decimals) if row.from_truth is not None else "",
        number=run.numbers.number(row),
    )


def _mark(text: str, notes: dict[str, str]) -> str:
    return notes.setdefault(text, footnote_mark(len(notes)))
