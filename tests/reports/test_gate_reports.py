"""The gate's answer as text and XML: hostile names stay text, and a JUnit reader reads it."""

from __future__ import annotations

import io
import json

from junitparser import Failure, JUnitXml, Skipped
from rich.console import Console

from bench_lipsync.harness.gate.verdicts import Finding, GateResult, Verdict
from bench_lipsync.reports.gate.junit import gate_junit
from bench_lipsync.reports.gate.text import gate_json, gate_markdown, headline, print_gate

HOSTILE = "]]><script>&\"'|`\u202e\x1b[31m\n\ud800 שלום"


def answer() -> GateResult:
    findings = (
        Finding("m", "SSIM[v]", Verdict.WORSE, 0.9, 0.8, "higher", "", 0.1, 0.01, 0.001, "beyond"),
        Finding("m", "LSE-C[v]", Verdict.OK, 5.0, 5.0, "higher", "", 0.0, 0.1, 1.0),
        Finding("m", "FID[v]", Verdict.UNSURE, 30.0, 34.0, "lower", "", 4.0, 3.0, 0.4, "no more than chance"),
        Finding("m", "KID[v]", Verdict.NEW, None, 0.1, reason="the baseline does not have it"),
        Finding(HOSTILE, HOSTILE, Verdict.MISSING, 1.0, reason=HOSTILE),
        Finding("static", "SSIM[v]", Verdict.OK, 0.5, 0.5, "higher", bound=True),
        Finding("", "prepare", Verdict.SLOWER, 10.0, 30.0, "lower", "s", 20.0, 5.0, reason="3.00 times as long"),
    )
    return GateResult("base.yaml", HOSTILE, findings, (HOSTILE,))


def test_junit_is_read_by_a_junit_reader() -> None:
    suites = JUnitXml.fromstring(gate_junit(answer()).encode())
    assert (suites.tests, suites.failures, suites.skipped, suites.errors) == (7, 3, 1, 0)
    cases = {(case.classname, case.name): case for suite in suites for case in suite}
    assert len(cases) == 7 and [len(list(suite)) for suite in suites] == [4, 1, 1, 1]
    worse = cases["bench.m", "SSIM[v]"].result[0]
    assert isinstance(worse, Failure) and worse.message == "worse: beyond" and "Allowed 0.0100" in worse.text
    assert isinstance(cases["bench.m", "KID[v]"].result[0], Skipped)
    assert cases["bench.m", "FID[v]"].is_passed and "unsure" in cases["bench.m", "FID[v]"].system_out
    assert cases["bench.(run)", "prepare"].result[0].type == "slower"
    suites.update_statistics()
    assert (suites.tests, suites.failures) == (7, 3), "the counts that are written are those of a count"


def test_markdown_puts_what_failed_first_and_keeps_names_text() -> None:
    text = gate_markdown(answer())
    loud, quiet = text.split("<details>")
    rows = [line for line in loud.splitlines() if line.startswith("| ")][1:]
    assert [("❌" in row, "⚠️" in row) for row in rows] == [(True, False)] * 3 + [(False, True)]
    assert "LSE-C" in quiet and "LSE-C" not in loud
    assert "<script>" not in text and "\x1b" not in text and "\u202e" not in text
    assert {row.replace("\\|", "").count("|") for row in text.splitlines() if row.startswith("| ")} == {10}


def test_terminal_folds_bounds_that_stood_still() -> None:
    console = Console(file=io.StringIO(), width=160, record=True)
    print_gate(answer(), console)
    text = console.export_text()
    assert "1 numbers of bound rows did not move" in text and "static" not in text
    assert "worse: m, SSIM[v]: beyond" in text and "\x1b[31m" not in text
    assert headline(answer()) in text
    assert headline(answer()) == "gate failed: 3 of 6 numbers (1 worse, 1 missing, 1 slower)"


def test_json_is_complete() -> None:
    data = json.loads(gate_json(GateResult("a", "b", answer().findings[:3], ())))
    assert data["findings"][0]["verdict"] == "worse" and data["findings"][0]["fails"] is True
    assert data["headline"] == "gate failed: 1 of 3 numbers (1 worse)" and not data["passed"]
