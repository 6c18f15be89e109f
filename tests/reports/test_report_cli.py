"""`bench report` and `bench table`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer
from make_runs import make_folder
from typer.testing import CliRunner

from bench_lipsync.harness.cli.report import export, register, study_score, table
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.export.formats import FORMATS as EXPORTS
from bench_lipsync.reports.study.tables import FORMATS as STUDIES
from bench_lipsync.reports.table.render import FORMATS as TABLES
from bench_lipsync.reports.table.render import render_table


def invoke(*arguments: object) -> str:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "run", clips=["c"], media=False)


def test_report_writes_beside_the_run_by_default(folder: Path) -> None:
    assert invoke("report", folder).strip() == str(folder / "report.html")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_report_of_several_runs_needs_out(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="several runs need --out"):
        invoke("report", folder, folder)
    invoke("report", folder, folder, "--out", tmp_path / "both.html")
    assert (tmp_path / "both.html").is_file()


def test_report_in_one_file(tmp_path: Path) -> None:
    run = make_folder(tmp_path / "run", clips=["c"])
    invoke("report", run, "--out", tmp_path / "one.html", "--embed")
    invoke("report", run, "--out", tmp_path / "two.html")
    assert not (tmp_path / "one_media").exists()
    assert (tmp_path / "two_media" / "run" / "static" / "c.mp4").is_file()


def test_table_in_every_format(folder: Path, tmp_path: Path) -> None:
    assert "stylelipsync" in invoke("table", folder)
    assert "\\toprule" in invoke("table", folder, "--format", "latex")
    assert "| Model |" in invoke("table", folder, "-f", "markdown")
    invoke("table", folder, "-f", "csv", "--out", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").startswith("run,model,mode,")


def test_unknown_format(folder: Path) -> None:
    with pytest.raises(BenchError, match="no table format is called 'excel'; known: text, markdown"):
        render_table(folder, "excel")
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, ["table", str(folder), "--format", "excel"])
    assert result.exit_code == 2 and "'excel' is not one of" in result.output


@pytest.mark.parametrize(("command", "formats"), [(table, TABLES), (export, EXPORTS), (study_score, STUDIES)])
def test_the_choices_of_a_command_are_the_formats(command: Callable[..., None], formats: Iterable[str]) -> None:
    hint, *_ = get_args(get_type_hints(command, include_extras=True)["format"])
    assert get_args(hint) == tuple(formats)
