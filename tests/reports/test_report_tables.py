"""Tables as text: nothing from outside takes effect in any format."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from make_runs import UNAVAILABLE, make_result, metric_row, pair_test
from rich.console import Console

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import Failure, RunResult
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.table.console import print_result
from bench_lipsync.reports.table.latex import escape
from bench_lipsync.reports.table.render import FORMATS, render_table

HOSTILE = "\\input{x}%$&_#^~[1]{<b>}|`\u202egnp\u202c\x1b[31m\nשלום 日本"


def result(**changes: object) -> RunResult:
    rows = [
        metric_row("m_1", value=-5.25, ci_low=-6.0, ci_high=-4.5, direction="none", name="AV-offset", unit="frames"),
        metric_row("m_1", value=6.0),
        metric_row(HOSTILE, value=5.0, n_ok=2, note="biased & small"),
        metric_row("ground-truth", value=5.5),
        metric_row("m_1", "FID", value=None, ci_low=None, ci_high=None, n_ok=0, note=UNAVAILABLE),
    ]
    return make_result(["m_1", HOSTILE], ["c1"], **{"metrics": rows, **changes})


def test_unknown_format_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(BenchError, match="'html'; known: text, markdown, latex, csv, json"):
        render_table(result(), "html")


@pytest.mark.parametrize("format", ["text", "markdown", "latex"])
def test_readable_formats_hold_values_notes_signatures_and_the_remark(format: str) -> None:
    text = render_table(result(), format)
    for needle in ("6.00", "4.50, 5.50", "3/3", "LSE-C|variant=open-syncnet|fps=25|v1", "better than the ground truth"):
        assert needle in text
    assert "bench assets add" in text


@pytest.mark.parametrize("format", list(FORMATS))
def test_no_control_or_direction_character_gets_through_a_readable_format(format: str) -> None:
    text = render_table(result(), format)
    if format in ("text", "markdown", "latex"):
        assert not {"\x1b", "\u202e", "\u202c"} & set(text)
    if format == "latex":
        assert text.isascii()


def test_visible_keeps_other_scripts_and_names_what_hides() -> None:
    assert printable("שלום 日本\u202ex\x1b\n") == "שלום 日本\\u202ex\\u001b "


@pytest.mark.parametrize("width", [60, 80, 120, 250])
def test_terminal_table_is_never_cut_off(width: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    print_result(make_result(["stylelipsync", "wav2lip"], ["c"]), console)
    text = console.export_text()
    assert "…" not in text
    for value in ("5.10", "[4.90, 5.50]", "8.10", "20.10", "0.900"):
        assert value in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_console_counts_failures() -> None:
    failed = [Failure(model="m_1", clip="c1", status="no_face", reason="none")]
    console = Console(width=200, file=io.StringIO(), record=True)
    print_result(result(failures=failed), console)
    assert "1 of the (model, clip) pairs failed" in console.export_text()


def test_markdown_cells_stay_cells() -> None:
    lines = [line for line in render_table(result(), "markdown").splitlines() if line.startswith("| ")]
    columns = {line.replace("\\|", "").count("|") for line in lines}
    assert len(lines) == 7
    assert len(columns) == 1
    assert "<b>" not in render_table(result(), "markdown")


def test_latex_escapes_every_special_character() -> None:
    assert escape("a_b & 50% #1 $x$ {y} ^~\\") == (
        r"a\_b \& 50\% \#1 \$x\$ \{y\} \textasciicircum{}\textasciitilde{}\textbackslash{}"
    )
    assert escape("é日\n") == r"e{[}U+65E5{]} "


def test_latex_compiles(tmp_path: Path) -> None:
    program, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if not program or not finder or subprocess.run([finder, "booktabs.sty"], check=False).returncode:  # noqa: S603
        pytest.skip("NOT CHECKED: no pdflatex with booktabs here, so the LaTeX table was not compiled")
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
    page = f"{head}\n{render_table(result(), 'latex')}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(page, encoding="utf-8")
    command = [program, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout[-2000:]


def test_latex_braces_balance_and_rows_have_equal_cells() -> None:
    text = render_table(result(), "latex")
    bare = text.replace("\\{", "").replace("\\}", "")
    assert bare.count("{") == bare.count("}")
    rows = [line.replace("\\&", "") for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 2 + 5 + 3  # two of the head, five models and bounds, three of them with intervals
    assert {row.count("&") for row in rows} == {3}


def test_csv_has_every_row_unrounded_and_no_formula() -> None:
    formula = metric_row("=cmd()", value=1 / 3)
    rows = list(csv.DictReader(io.StringIO(render_table(make_result(["=cmd()"], [], metrics=[formula]), "csv"))))
    assert (rows[0]["model"], float(rows[0]["value"])) == ("'=cmd()", 1 / 3)
    everything = list(csv.DictReader(io.StringIO(render_table(result(), "csv"))))
    assert [row["value"] for row in everything if row["name"] == "FID"] == [""]


def test_json_is_complete() -> None:
    data = json.loads(render_table(result(), "json"))
    assert len(data["runs"][0]["metrics"]) == 5
    assert data["signatures"] == {
        "AV-offset[open-syncnet]": "AV-offset|variant=open-syncnet|fps=25|v1",
        "LSE-C[open-syncnet]": "LSE-C|variant=open-syncnet|fps=25|v1",
    }
    assert any("better than the ground truth" in remark for remark in data["remarks"])


def _tested(*labels: str) -> RunResult:
    """Three models whose LSE-C differs by more than chance, and lies 0.25 from the ground truth's."""
    tests = [pair_test(one, two) for one, two in itertools.combinations(labels, 2)]
    rows = [metric_row(name, value=7.0 - place, from_truth=0.25) for place, name in enumerate(labels)]
    return make_result(labels, ["c"], metrics=rows, tests=tests)


@pytest.mark.parametrize(
    ("format", "best", "second", "gap"),
    [
        ("text", "7.00**", "6.00* ", "Δ0.25"),
        ("markdown", "**7.00**", "<u>6.00</u>", "Δ0.25"),
        ("latex", r"\textbf{7.00}", r"\underline{6.00}", r"$\Delta$0.25"),
    ],
)
def test_marks_and_distances_in_every_readable_format(format: str, best: str, second: str, gap: str) -> None:
    text = render_table(_tested("m1", "m2", "m3"), format)
    assert text.count(best) == text.count(second) == 1 and text.count(gap) == 3
    assert "after Holm" in text


def test_json_holds_the_tests_of_the_table() -> None:
    data = json.loads(render_table(_tested("m1", "m2", "m3"), "json"))
    assert [(test["one"], test["two"]) for test in data["tests"]] == [("m1", "m2"), ("m1", "m3"), ("m2", "m3")]
    assert all(test["p_holm"] == pytest.approx(3 * test["p"]) for test in data["tests"])
    assert data["runs"][0]["metrics"][0]["from_truth"] == 0.25
