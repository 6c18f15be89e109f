"""`bench compare` and `bench baseline` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from gate_runs import Parts, result, usual
from junitparser import JUnitXml
from typer.testing import CliRunner

from bench_lipsync.harness.cli import gate
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import Failure, write_result


def invoke(*arguments: object) -> Any:
    app = typer.Typer()
    gate.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def folder(path: Path, parts: Parts, **changes: object) -> Path:
    path.mkdir()
    write_result(result(parts, {"sls": 2.0}, **changes), path)  # type: ignore[arg-type]
    return path


def worse() -> Parts:
    parts = usual()
    return {"sls": {**parts["sls"], "SSIM": parts["sls"]["SSIM"] - 0.1}}


def test_save_show_compare(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", usual())
    file = tmp_path / "base.yaml"
    assert invoke("baseline", "save", run, "--out", file).output.strip() == str(file)
    shown = invoke("baseline", "show", file).output
    assert "8 clips of 8 identities; dataset demo" in shown and "SSIM[v] ↑" in shown and "SSIM|v1" in shown
    assert json.loads(invoke("baseline", "show", file, "--json").output)["clips"]["p0"]["identity"] == "p0"
    done = invoke("compare", file, run)
    assert done.exit_code == 0 and "gate passed: 12 numbers" in done.output


def test_a_regression_exits_with_1_and_says_so_in_every_format(tmp_path: Path) -> None:
    base, run = folder(tmp_path / "base", usual()), folder(tmp_path / "run", worse())
    out = {"--junit": tmp_path / "o" / "gate.xml", "--markdown": tmp_path / "gate.md"}
    done = invoke("compare", base, run, *(word for pair in out.items() for word in pair))
    assert done.exit_code == 1
    assert "gate failed: 1 of 12 numbers (1 worse)" in done.output and "worse: sls, SSIM[v]: beyond" in done.output
    suites = JUnitXml.fromfile(str(out["--junit"]))
    assert (suites.tests, suites.failures, suites.skipped) == (13, 1, 1)
    failed = [case for suite in suites for case in suite if case.result and case.result[0]._tag == "failure"]
    assert [(case.classname, case.name) for case in failed] == [("bench.sls", "SSIM[v]")]
    assert "worse: beyond the tolerance, and more than chance" in failed[0].result[0].message
    text = out["--markdown"].read_text(encoding="utf-8")
    assert text.startswith("### ❌ gate failed: 1 of 12") and "| sls | SSIM\\[v\\] ↑ |" in text.split("<details>")[0]
    data = json.loads(invoke("compare", base, run, "--json").stdout)
    assert data["passed"] is False and [f["column"] for f in data["findings"] if f["fails"]] == ["SSIM[v]"]


def test_the_gate_file_and_pairs_are_heard(tmp_path: Path) -> None:
    base, run = folder(tmp_path / "base", usual()), folder(tmp_path / "run", worse())
    (tmp_path / "gate.yaml").write_text("metrics: {SSIM: {absolute: 0.2}}", encoding="utf-8")
    assert invoke("compare", base, run, "--gate", tmp_path / "gate.yaml").exit_code == 0
    other = folder(tmp_path / "other", {"new": usual()["sls"]})
    assert invoke("compare", base, other, "--pair", "sls=new").exit_code == 0
    assert invoke("compare", base, other, "--pair", "sls").exit_code == 2


def test_what_must_not_be_compared_is_wrong_use(tmp_path: Path) -> None:
    """`harness.cli.main` turns a `BenchError` into exit code 2."""
    run = folder(tmp_path / "run", usual())
    for base, message in ((tmp_path / "none.yaml", "there is no baseline"), (tmp_path, "is not a run folder")):
        error = invoke("compare", base, run).exception
        assert isinstance(error, BenchError) and message in str(error)


def test_a_run_with_failures_is_a_poor_reference(tmp_path: Path) -> None:
    failed = [Failure(model="sls", clip="p0", status="no_face", reason="none")]
    run = folder(tmp_path / "run", usual(), failures=failed)
    error = invoke("baseline", "save", run, "--out", tmp_path / "b.yaml").exception
    with pytest.raises(BenchError, match=r"1 \(model, clip\) pairs .* --force"):
        raise error or AssertionError
    assert invoke("baseline", "save", run, "--out", tmp_path / "b.yaml", "--force").exit_code == 0
