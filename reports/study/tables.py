"""A study's scores as text, Markdown, LaTeX or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.study.result import Preference, StudyResult
from bench_lipsync.reports.table.format import format_interval, format_value
from bench_lipsync.reports.table.latex import escape, latex_line

FORMATS = ("text", "markdown", "latex", "json")


class _Table(NamedTuple):
    title: str
    rows: list[list[str]]
    """The first one is the head."""


def render_study(result: StudyResult, form: str = "text") -> str:
    """`result` in one of `FORMATS`. Raises `BenchError` for another."""
    if form == "json":
        return result.model_dump_json(indent=1) + "\n"
    writers: dict[str, Callable[[_Table], str]] = {"text": _text, "markdown": _markdown, "latex": _latex}
    if form not in writers:
        raise BenchError(f"no format is called {form!r}; there are {', '.join(FORMATS)}")
    tables = [_opinions(result), _preferences(result), _agreement(result)]
    notes = [escape(line) if form == "latex" else printable(line) for line in _notes(result)]
    return "\n\n".join([*(writers[form](table) for table in tables), "\n\n".join(notes)]) + "\n"


def _opinions(result: StudyResult) -> _Table:
    aspects = list(dict.fromkeys(opinion.aspect for opinion in result.opinions))
    rows = [["Model", *aspects, "answers"]]
    for model in dict.fromkeys(opinion.model for opinion in result.opinions):
        own = [opinion for opinion in result.opinions if opinion.model == model]
        cells = [_ranged(opinion.value, opinion.ci_low, opinion.ci_high) for opinion in own]
        rows.append([model, *cells, str(own[0].n_answers)])
    return _Table("Mean opinion scores, 1 (bad) to 5 (excellent)", rows)


def _preferences(result: StudyResult) -> _Table:
    rows = [["One", "Two", "aspect", "one", "tie", "two", "share of one", "p (Holm)"]]
    rows += [_preference(preference) for preference in result.preferences if preference.share is not None]
    return _Table("Preference; the share counts a tie as a half", rows)


def _preference(preference: Preference) -> list[str]:
    p = "n/a" if preference.p_holm is None else f"{preference.p_holm:.2g}"
    counts = [str(preference.wins), str(preference.ties), str(preference.losses)]
    return [
        preference.one,
        preference.two,
        preference.aspect,
        *counts,
        _ranged(preference.share, preference.ci_low, preference.ci_high),
        p,
    ]


def _agreement(result: StudyResult) -> _Table:
    rows = [["aspect", "scores", "preferences"]]
    rows += [[each.aspect, _ranged(each.ratings), _ranged(each.pairs)] for each in result.agreement]
    return _Table("Agreement between raters (Krippendorff's alpha, ordinal)", rows)


def _notes(result: StudyResult) -> list[str]:
    lines = [f"Study {result.study}: {len(result.raters)} raters; intervals (95%) and tests are over raters."]
    lines += [
        f"Left out: rater {name}, who failed {len(items)} of the checks ({', '.join(items)})."
        for name, items in result.excluded.items()
    ]
    total = max(result.clips.values(), default=0)
    lines += [
        f"Opinion scores of {model} are of {count} of {total} clips; compare by preferences, each of one clip."
        for model, count in result.clips.items()
        if count < total
    ]
    if len(result.raters) < 5:
        lines.append("Fewer than five raters: no intervals and no tests.")
    return lines


def _ranged(value: float | None, low: float | None = None, high: float | None = None) -> str:
    return " ".join(part for part in (format_value(value, 2), format_interval(low, high, 2)) if part)


def _text(table: _Table) -> str:
    rows = [[printable(cell) for cell in row] for row in table.rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([table.title, *lines])


def _markdown(table: _Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(cell) for cell in cells) + " |"

    head, *rows = table.rows
    return "\n".join([f"**{_plain(table.title)}**", "", line(head), line(["---"] * len(head)), *map(line, rows)])


def _plain(text: str) -> str:
    r"""`text` for Markdown: no markup, no cell border, no HTML."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~&" else char for char in printable(text))


def _latex(table: _Table) -> str:
    head, *rows = [latex_line([escape(cell) for cell in row]) for row in table.rows]
    columns = "l" * len(table.rows[0])
    return "\n".join(
        [
            "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc} in the preamble",
            f"{{\\small {escape(table.title)}\\par}}",
            f"\\begin{{tabular}}{{{columns}}}",
            *("\\toprule", head, "\\midrule", *rows, "\\bottomrule"),
            "\\end{tabular}",
        ]
    )
