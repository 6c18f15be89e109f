r"""A paper's table: booktabs, everything escaped, compiles as it stands after `\usepackage{booktabs}`."""

from __future__ import annotations

import itertools
import unicodedata

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.table.model import Cell, Column, Grid, Row
from bench_lipsync.reports.table.options import TableOptions

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # a bare bracket after \\ would be read as its optional argument
    "]": "{]}",
    "∞": r"$\infty$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "−": r"$-$",
}


def escape(text: str) -> str:
    """`text` for LaTeX's text mode in ASCII: special characters escaped, others reduced to ASCII or named `U+XXXX`."""
    return "".join(_escape_one(char) for char in printable(text))


def _escape_one(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if " " <= char <= "~":
        return char
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return "".join(_SPECIAL.get(letter, letter) for letter in plain) or f"{{[}}U+{ord(char):04X}{{]}}"


def latex_table(grid: Grid, remarks: list[str], options: TableOptions | None = None, protocol: str = "") -> str:
    """The `tabular` with notes below it, in a `table` where `options` have a caption or a label.

    Variants and intervals stand in a line of their own below names and values: side by side they would not fit.
    Signatures are comments, for they are long; under a caption they are printed too, as small as can be.
    """
    options = options or TableOptions()
    floats = options.caption is not None or options.label is not None
    lines = ["% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc} in the preamble"]
    lines += [f"% {_comment(signature)}" for signature in grid.signatures]
    lines += ["\\begin{table}", "\\centering", *_caption(options, protocol)] if floats else []
    lines += [*_tabular(grid), *_below(grid, remarks)]
    if floats and options.signatures:
        lines += [f"\n{{\\tiny\\raggedright {escape(signature)}\\par}}" for signature in grid.signatures]
    return "\n".join(lines + (["\\end{table}"] if floats else [])) + "\n"


def _caption(options: TableOptions, protocol: str) -> list[str]:
    text = (options.caption or "").strip()
    text += "" if not text or text.endswith((".", "?", "!")) else "."
    lines = [f"\\caption{{{escape(f'{text} {protocol}.'.strip())}}}"]
    lines += [f"\\label{{{_label(options.label)}}}"] if options.label else []
    return [*lines, "\\smallskip"]


def _label(text: str) -> str:
    """A label that can be referred to. Raises `BenchError`: an escaped one would be another one."""
    if not all(char.isascii() and (char.isalnum() or char in ":-_.+/") for char in text):
        raise BenchError(f"--label {text!r} may have letters, digits and : - _ . + / only, for example tab:results")
    return text


def _tabular(grid: Grid) -> list[str]:
    groups = [[row for row in grid.rows if row.bound == bound] for bound in (False, True)]
    return [
        "\\begin{tabular}{l" + "r" * len(grid.columns) + "r}",
        "\\toprule",
        latex_line(["Model", *(latex_head(column) for column in grid.columns), "Clips"]),
        latex_line(["", *(f"{{\\scriptsize {escape(column.detail)}}}" for column in grid.columns), ""]),
        *(
            line
            for group in groups
            if group
            for line in ["\\midrule", *itertools.chain.from_iterable(map(_rows, group))]
        ),
        *(["\\midrule"] if grid.published else []),
        *(latex_line([f"{escape(row.label)} (published)", *row.values, ""]) for row in grid.published),
        "\\bottomrule",
        "\\end{tabular}",
    ]


def _below(grid: Grid, remarks: list[str]) -> list[str]:
    below = [f"$^{{{mark}}}$ {escape(text)}" for mark, text in grid.footnotes]
    below += [escape(grid.published_note)] if grid.published else []
    below += [f"Not measured: {escape(columns)} ({escape(reason)})" for columns, reason in grid.unmeasured]
    if grid.has_gaps:
        below.append(r"$\Delta$: distance from the ground truth's value")
    if grid.verdicts.test_note:
        below.append(f"Bold is best, underlined is second; {escape(grid.verdicts.test_note)}")
    below += [escape(remark) for remark in remarks]
    return [f"\n{{\\footnotesize\\raggedright {text}\\par}}" for text in below]


def _rows(row: Row) -> list[str]:
    label = f"\\textit{{{escape(row.label)}}}" if row.bound else escape(row.label)
    lines = [latex_line([label, *(_cell(cell) for cell in row.cells), row.coverage])]
    for part in (_interval, _gap):
        cells = [part(cell) for cell in row.cells]
        if any(cells):
            lines.append(latex_line(["", *cells, ""]))
    return lines


def _cell(cell: Cell) -> str:
    text = "n/a" if cell.value is None else latex_number(cell.text)
    marks = f"$^{{{','.join(cell.marks)}}}$" if cell.marks else ""
    shown = f"\\textbf{{{text}}}" if cell.best else f"\\underline{{{text}}}" if cell.second else text
    return shown + marks


def _interval(cell: Cell) -> str:
    return f"{{\\scriptsize {latex_number(cell.interval)}}}" if cell.interval else ""


def _gap(cell: Cell) -> str:
    return f"{{\\scriptsize $\\Delta${latex_number(cell.gap)}}}" if cell.gap else ""


def latex_line(cells: list[str]) -> str:
    """A row of a `tabular`; the cells are LaTeX already."""
    return " & ".join(cells) + r" \\"


def latex_head(column: Column) -> str:
    """The name of a column with its arrow."""
    arrow = {"higher": r" $\uparrow$", "lower": r" $\downarrow$"}.get(column.direction, "")
    return escape(column.name) + arrow


def latex_number(text: str) -> str:
    """A number, an interval or `n/a` with real minus signs."""
    return escape(text).replace("-", "$-$")


def _comment(text: str) -> str:
    """One line of printable ASCII: a newline in a signature must not end the comment."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
