r"""A paper's table: booktabs, everything escaped, compiles as it stands after `\usepackage{booktabs}`."""

from __future__ import annotations

import itertools
import unicodedata

from reports.grid import Cell, Column, Grid, Row
from reports.text import visible

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
    return "".join(_escape_one(char) for char in visible(text))


def _escape_one(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if " " <= char <= "~":
        return char
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return "".join(_SPECIAL.get(letter, letter) for letter in plain) or f"{{[}}U+{ord(char):04X}{{]}}"


def latex_table(grid: Grid, remarks: list[str]) -> str:
    """The `tabular` with notes below it; signatures are comments, for they are too long for a page.

    Variants and intervals stand in a line of their own below names and values: side by side they would not fit.
    """
    groups = [[row for row in grid.rows if row.bound == bound] for bound in (False, True)]
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc} in the preamble",
        *(f"% {_comment(signature)}" for signature in grid.signatures),
        "\\begin{tabular}{l" + "r" * len(grid.columns) + "r}",
        "\\toprule",
        _line(["Model", *(_head(column) for column in grid.columns), "Clips"]),
        _line(["", *(f"{{\\scriptsize {escape(column.detail)}}}" for column in grid.columns), ""]),
        *(
            line
            for group in groups
            if group
            for line in ["\\midrule", *itertools.chain.from_iterable(map(_rows, group))]
        ),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    below = [f"$^{{{mark}}}$ {escape(text)}" for mark, text in grid.footnotes]
    below += [f"Not measured: {escape(columns)} ({escape(reason)})" for columns, reason in grid.unmeasured]
    if grid.has_gaps:
        below.append(r"$\Delta$: distance from the ground truth's value")
    if grid.verdicts.said:
        below.append(f"Bold is best, underlined is second; {escape(grid.verdicts.said)}")
    below += [escape(remark) for remark in remarks]
    lines += [f"\n{{\\footnotesize {text}\\par}}" for text in below]
    return "\n".join(lines) + "\n"


def _rows(row: Row) -> list[str]:
    label = f"\\textit{{{escape(row.label)}}}" if row.bound else escape(row.label)
    lines = [_line([label, *(_cell(cell) for cell in row.cells), row.coverage])]
    if any(cell.interval or cell.gap for cell in row.cells):
        lines.append(_line(["", *(_interval(cell) for cell in row.cells), ""]))
    return lines


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _head(column: Column) -> str:
    arrow = {"higher": r" $\uparrow$", "lower": r" $\downarrow$"}.get(column.direction, "")
    return escape(column.name) + arrow


def _cell(cell: Cell) -> str:
    text = "n/a" if cell.value is None else latex_number(cell.text)
    marks = f"$^{{{','.join(cell.marks)}}}$" if cell.marks else ""
    shown = f"\\textbf{{{text}}}" if cell.best else f"\\underline{{{text}}}" if cell.second else text
    return shown + marks


def _interval(cell: Cell) -> str:
    parts = [
        latex_number(cell.interval) if cell.interval else "",
        f"$\\Delta${latex_number(cell.gap)}" if cell.gap else "",
    ]
    text = " ".join(part for part in parts if part)
    return f"{{\\scriptsize {text}}}" if text else ""


def latex_number(text: str) -> str:
    """A number, an interval or `n/a` with real minus signs."""
    return escape(text).replace("-", "$-$")


def _comment(text: str) -> str:
    """One line of printable ASCII: a newline in a signature must not end the comment."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
