from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.assets.catalog import CATALOG
from bench_lipsync.harness.cli.storage import register
from bench_lipsync.harness.errors import BenchError

runner = CliRunner()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    made = typer.Typer()
    register(made)
    made.command("other")(lambda: None)
    return made


def test_list_says_what_is_here_and_what_can_be_had(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "assets" / "64184e229b263107").mkdir(parents=True)
    with (tmp_path / "assets" / "64184e229b263107" / "face_landmarker.task").open("wb") as stream:
        stream.truncate(CATALOG["face_landmarker"].size)
    rows = {row["name"]: row for row in json.loads(runner.invoke(app, ["assets", "list", "--json"]).stdout)}
    assert list(rows) == list(CATALOG)
    states = {name: rows[name]["state"] for name in ("face_landmarker", "inception_fid", "syncnet_v2")}
    assert states == {"face_landmarker": "present", "inception_fid": "fetchable", "syncnet_v2": "missing"}
    table = runner.invoke(app, ["assets", "list"]).stdout
    assert all(name in table for name in CATALOG)


def test_verify_exits_with_1_for_a_wrong_file(app: typer.Typer, tmp_path: Path) -> None:
    assert runner.invoke(app, ["assets", "verify"]).exit_code == 0
    folder = tmp_path / "assets" / "443c5bc35326b81e"
    folder.mkdir(parents=True)
    with (folder / "alexnet.ckpt").open("wb") as stream:
        stream.truncate(CATALOG["alexnet_lpips"].size)
    result = runner.invoke(app, ["assets", "verify"])
    assert result.exit_code == 1
    assert "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1" in result.stdout


def test_mistakes_are_bench_errors(app: typer.Typer, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.model"
    wrong.write_bytes(b"x")
    for arguments, words in (
        (["fetch"], "--all"),
        (["fetch", "inception_fid"], "BENCH_OFFLINE"),
        (["fetch", "inceptionfid"], "did you mean inception_fid"),
        (["add", "syncnet_v2", str(wrong)], "expected 961e8696f888"),
    ):
        error = runner.invoke(app, ["assets", *arguments]).exception
        assert isinstance(error, BenchError)
        assert words in str(error)


def test_every_command_has_an_example(app: typer.Typer) -> None:
    for command in ("list", "fetch", "add", "verify"):
        assert "Example: bench assets" in runner.invoke(app, ["assets", command, "--help"]).stdout
