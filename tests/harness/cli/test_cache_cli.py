"""`bench cache` on a store of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli.storage import register
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.store.store import KEY_FILE, Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    store = Store()
    for number in range(3):
        made = store.make("score", {"number": number}, lambda folder: (folder / "data").write_text("x" * 100))
        os.utime(made.path / KEY_FILE, (10**9 + number, 10**9 + number))
    return store


def _bench(*words: str):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["cache", *words], catch_exceptions=True)


def test_ls_counts_by_stage(store: Store) -> None:
    done = json.loads(_bench("ls", "--json").stdout)
    assert done["stages"]["score"]["entries"] == 3 and done["store"] == str(store.root)
    assert "score            3 entries" in _bench("ls").stdout


def test_verify_finds_damage_and_takes_it_away(store: Store) -> None:
    assert _bench("verify").exit_code == 0
    damaged = next(store.root.glob("score/*/*/data"))
    damaged.write_text("y" * 100)
    done = _bench("verify")
    assert done.exit_code == 1 and "data is missing or changed" in done.stdout and "--remove" in done.stdout
    assert _bench("verify", "--remove").exit_code == 0 and not damaged.exists()
    assert _bench("verify").exit_code == 0


def test_gc_says_what_would_go_and_removes_it(store: Store) -> None:
    assert "would remove 3 entries" in _bench("gc", "--unused", "1d", "--dry-run").stdout
    assert len(list(store.root.glob("score/*/*"))) == 3
    assert json.loads(_bench("gc", "--max-size", "0B", "--json").stdout)["entries"] == 3
    assert not list(store.root.glob("score/*/*"))


@pytest.mark.parametrize(
    ("words", "reason"), [((), "--unused 30d"), (("--unused", "soon"), "30d"), (("--max-size", "9XB"), "50GB")]
)
def test_mistakes_name_the_way_out(store: Store, words: tuple[str, ...], reason: str) -> None:
    error = _bench("gc", *words).exception
    assert isinstance(error, BenchError) and reason in str(error)
