"""`bench study make` and `score`."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from make_runs import make_folder
from typer.testing import CliRunner

from bench_lipsync.harness.cli.report import register
from bench_lipsync.reports.study.answers import read_key
from bench_lipsync.reports.study.plan import ASPECTS


def invoke(*arguments: object) -> str:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_make_and_score(tmp_path: Path) -> None:
    run = make_folder(tmp_path / "run", ["m"], ["a", "b", "c"])
    out = tmp_path / "study"
    assert f"keep to yourself:   {out / 'key.json'}" in invoke(
        "study", "make", run, "--out", out, "--clips", 2, "--checks", 1, "--seed", 3
    )
    key = read_key(out / "key.json")
    assert {item.clip for item in key.items} == {"a", "b"}
    assert [item.kind for item in key.items].count("check-pair") == 1
    answers = [
        {"item": item.id, "values": dict.fromkeys(ASPECTS, 1 if item.expected is None else item.expected)}
        for item in key.items
    ]
    told = {"version": 1, "study": key.study, "rater": "r", "started": "", "finished": None, "answers": answers}
    (tmp_path / "r.json").write_text(json.dumps(told), encoding="utf-8")
    text = invoke("study", "score", tmp_path / "r.json", "--key", out / "key.json")
    assert "Fewer than five raters" in text
    invoke("study", "score", tmp_path / "r.json", "--key", out / "key.json", "-f", "latex", "--out", tmp_path / "t.tex")
    assert "\\toprule" in (tmp_path / "t.tex").read_text(encoding="utf-8")
