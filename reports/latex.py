r"""A paper's table: booktabs, everything escaped, compiles as it stands after `\usepackage{booktabs}`."""

from __future__ import annotations

import unicodedata

from reports.grid import Cell, Column, Grid
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
    """The whole `tabular` with notes below it, and the signatures as comments (they are too long for a page)."""
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc} in the preamble",
        *(f"% {_comment(signature)}" for signature in grid.signatures),
        "\\begin{tabular}{l" + "r" * len(grid.columns) + "r}",
        "\\toprule",
        " & ".join(["Model", *(_head(column) for column in grid.columns), "Clips"]) + r" \\",
        "\\midrule",
    ]
    models = [row for row in grid.rows if not row.bound]
    bounds = [row for row in grid.rows if row.bound]
    for number, group in enumerate(group for group in (models, bounds) if group):
        lines += ["\\midrule"] * bool(number)
        for row in group:
            label = f"\\textit{{{escape(row.label)}}}" if row.bound else escape(row.label)
            lines.append(" & ".join([label, *(_cell(cell) for cell in row.cells), escape(row.coverage)]) + r" \\")
    lines += ["\\bottomrule", "\\end{tabular}"]
    below = [f"$^{{{mark}}}$ {escape(text)}" for mark, text in grid.footnotes]
    below += [f"Not measured: {escape(columns)} ({escape(reason)})" for columns, reason in grid.unmeasured]
    below += [escape(remark) for remark in remarks]
    lines += [f"\n{{\\footnotesize {text}\\par}}" for text in below]
    return "\n".join(lines) + "\n"


def _head(column: Column) -> str:
    arrow = {"higher": r" $\uparrow$", "lower": r" $\downarrow$"}.get(column.direction, "")
    return f"{escape(column.name)}{arrow} {{\\scriptsize {escape(column.detail)}}}"


def _cell(cell: Cell) -> str:
    if cell.value is None:
        return "n/a" + _marks(cell)
    text = f"\\textbf{{{_number(cell.text)}}}" if cell.best else _number(cell.text)
    return text + _marks(cell) + (f" {{\\scriptsize {_number(cell.interval)}}}" if cell.interval else "")


def _number(text: str) -> str:
    return escape(text).replace("-", "$-$")


def _marks(cell: Cell) -> str:
    return f"$^{{{','.join(cell.marks)}}}$" if cell.marks else ""


def _comment(text: str) -> str:
    """One line of printable ASCII: a newline in a signature must not end the comment."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
