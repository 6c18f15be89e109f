"""`bench table` with rows, columns, digits and captions of one's own."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from make_runs import UNAVAILABLE, make_result, metric_row, pair_test
from typer.testing import CliRunner

from bench_lipsync.harness.cli.report import register
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import RunResult, write_result
from bench_lipsync.reports.table.options import TableOptions, parse_digits
from bench_lipsync.reports.table.render import FORMATS, render_table

HOSTILE = "\\input{x} & 100% $y$ <b>"


def result() -> RunResult:
    """Three models; `m3` beats nobody on LSE-C, FID has a note of its own, CSIM was not measured."""
    models = ("m1", "m2", "m3")
    rows = [metric_row(model, value=7.0 - place, from_truth=0.25) for place, model in enumerate(models)]
    rows += [metric_row(model, "FID", value=20.0 + place, note="few frames") for place, model in enumerate(models)]
    rows += [metric_row("m1", "CSIM", variant="x", value=None, ci_low=None, ci_high=None, n_ok=0, note=UNAVAILABLE)]
    rows += [metric_row("ground-truth", value=7.5), metric_row("ground-truth", "FID", value=0.0)]
    tests = [pair_test("m1", "m2"), pair_test("m1", "m3", p=0.9), pair_test("m2", "m3", p=0.9)]
    return make_result(models, ["c"], metrics=rows, tests=tests)


def render(format: str = "markdown", **options: object) -> str:
    return render_table(result(), format, TableOptions(**options))  # type: ignore[arg-type]


def test_rows_and_columns_in_the_wanted_order() -> None:
    lines = [
        line for line in render(rows=("ground-truth", "m2", "m1"), columns=("FID", "LSE-C")).splitlines() if "|" in line
    ]
    assert lines[0].index("FID") < lines[0].index("LSE\\-C" if "LSE\\-C" in lines[0] else "LSE-C")
    assert [line.split("|")[1].strip() for line in lines[2:5]] == ["*ground-truth*", "m2", "m1"]
    assert "CSIM" not in render(columns=("FID",)) and "CSIM" in render(rows=("models",))
    assert "ground-truth" not in render(rows=("models",)) and "m1" not in render(rows=("bounds",))


def test_columns_and_digits_by_the_names_of_other_papers() -> None:
    assert render(columns=("Sync-C",), digits=parse_digits("Sync-C=1")) == render(
        columns=("LSE-C",), digits=parse_digits("LSE-C=1")
    )


def test_best_is_that_of_the_rows_which_are_shown() -> None:
    """Among three m1 does not beat m3; of the two others it is the best."""
    assert "**7.00**" not in render(columns=("LSE-C",))
    assert "**7.00**" in render(columns=("LSE-C",), rows=("m1", "m2"))
    data = json.loads(render("json", columns=("LSE-C",), rows=("m1", "m2")))
    assert [(t["one"], t["two"]) for t in data["tests"]] == [("m1", "m2")]


def test_leaving_columns_out_makes_nothing_significant() -> None:
    """p = 0.02 alone would do; as one of three tests it does not, whichever of them are shown."""
    models = ("m1", "m2")
    metrics = [metric_row(m, name, value=9.0 - p) for p, m in enumerate(models) for name in ("LSE-C", "SSIM", "CSIM")]
    tests = [pair_test("m1", "m2", p=0.02)]
    tests += [test.model_copy(update={"column": row.column}) for test in tests for row in metrics[1:3]]
    text = render_table(
        make_result(models, ["c"], metrics=metrics, tests=tests), "markdown", TableOptions(columns=("LSE-C",))
    )
    assert "**9.00**" not in text and "correction for 3 tests" in text


def test_notes_are_lettered_anew() -> None:
    text = render("latex", columns=("LSE-C",))
    assert "few frames" not in text
    assert "$^{a}$ few frames" in render("latex", columns=("FID",))


def test_digits_intervals_and_distances() -> None:
    text = render(columns=("LSE-C", "FID"), digits={"FID": 0, "": 4})
    assert "7.0000" in text and "[4.5000, 5.5000]" in text and "| 20<sup>" in text and "Δ0.2500" in text
    bare = render(columns=("LSE-C",), intervals=False, gaps=False)
    assert "[4.5" not in bare and "Δ" not in bare and "Brackets" not in bare
    assert parse_digits("2") == {"": 2} and parse_digits("FID=1, SSIM=3") == {"FID": 1, "SSIM": 3}
    for wrong in ("x", "FID=", "=2", "10", "-1"):
        with pytest.raises(BenchError, match="--digits"):
            parse_digits(wrong)


def test_programs_get_the_chosen_part_unrounded() -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", rows=("m2",), columns=("FID",), digits={"": 0}))))
    assert [(row["model"], row["name"], float(row["value"])) for row in rows] == [("m2", "FID", 21.0)]
    everything = json.loads(render("json"))["runs"][0]["metrics"]
    assert len(everything) == len(result().metrics)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ("FIDD[inception]",)}, r"no column 'FIDD\[inception\]'; did you mean FID\[inception\]"),
        ({"columns": ("CSIM",)}, "CSIM has no value in any row: unavailable: syncnet_v2"),
        ({"rows": ("zebra",)}, "no row 'zebra'; it has: m1, m2, m3, ground-truth"),
        ({"label": "tab}x"}, "--label 'tab}x' may have"),
    ],
)
def test_what_is_not_there(options: dict[str, object], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        render("latex", **options)


def test_a_caption_makes_a_whole_table_with_protocol_and_signatures() -> None:
    text = render("latex", caption=HOSTILE, label="tab:a_b")
    assert (
        r"\caption{\textbackslash{}input\{x\} \& 100\% \$y\$ \textless{}b\textgreater{}. demo (test), 1 clips" in text
    )
    assert r"\label{tab:a_b}" in text and text.strip().endswith(r"\end{table}")
    assert "reconstruction protocol" in text and r"{\tiny\raggedright FID\textbar{}variant" in text
    assert r"{\tiny" not in render("latex", caption="x", signatures=False)
    assert r"\begin{table}" not in render("latex")
    markdown = render(caption="<b>x</b>")
    assert markdown.startswith("**\\<b\\>x") and "reconstruction protocol" in markdown
    assert render("text", caption="My table").startswith("My table\n")


def test_latex_with_everything_compiles(tmp_path: Path) -> None:
    program, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if not program or not finder or subprocess.run([finder, "booktabs.sty"], check=False).returncode:  # noqa: S603
        pytest.skip("NOT CHECKED: no pdflatex with booktabs here, so the LaTeX table was not compiled")
    choices: tuple[dict[str, object], ...] = ({}, {"intervals": False}, {"columns": ("FID",), "digits": {"": 0}})
    tables = [
        render("latex", **options, **floats)
        for options, floats in itertools.product(choices, ({}, {"caption": HOSTILE, "label": "tab:x"}))
    ]
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
    (tmp_path / "t.tex").write_text("\n".join([head, *tables, r"\end{document}"]), encoding="utf-8")
    command = [program, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("format", list(FORMATS))
def test_the_command_line_says_the_same(tmp_path: Path, format: str) -> None:
    write_result(result(), tmp_path)
    app = typer.Typer()
    register(app)
    words = ["table", str(tmp_path), "--format", format, "--columns", "FID", "--rows", "m2", "--digits", "0"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    wanted = TableOptions(rows=("m2",), columns=("FID",), digits={"": 0})
    assert done.output == render_table(tmp_path, format, wanted)
