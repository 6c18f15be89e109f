"""`bench train stylelipsync`: what is asked for on the command line reaches the trainer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli import train_stylelipsync
from bench_lipsync.harness.registry.plugins import TRAINERS


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    got: dict[str, Any] = {}

    def trainer(clips: list[Any], out: Path, preset: str, changes: dict[str, Any], **more: Any) -> Path:
        got.update(clips=clips, out=out, preset=preset, changes=changes, **more)
        return out / "weights"

    monkeypatch.setattr(train_stylelipsync, "training_clips", lambda *where: [SimpleNamespace(id="a")])
    monkeypatch.setitem(TRAINERS._targets, "stylelipsync", trainer)
    return got


def bench(*words: str) -> str:
    app = typer.Typer()
    train_stylelipsync.register(app)
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_nothing_asked_is_the_recipe_and_the_full_network(asked: dict[str, Any]) -> None:
    assert "weights: o/weights" in bench("--out", "o", "--device", "cpu")
    assert asked["preset"] == "demo"
    assert set(asked["changes"].values()) == {None}
    assert asked["switches"] == {"samf": True, "mals": True, "mask": "pose-aware"}
    assert (asked["init"], asked["expert"], asked["device"]) == (None, None, "cpu")
    assert asked["trained_on"] == "demo (train, 1 clips)"


def test_switches_expert_and_beginning_are_passed_on(asked: dict[str, Any]) -> None:
    words = "--out o --no-samf --no-mals --mask landmark --init p.safetensors --expert e.safetensors --freeze-decoder"
    bench(*words.split(), "--accumulate", "4", "--lambda-sync", "0.2", "--sync-start", "50", "--device", "cpu")
    assert asked["switches"] == {"samf": False, "mals": False, "mask": "landmark"}
    assert (asked["init"], asked["expert"]) == (Path("p.safetensors"), Path("e.safetensors"))
    changes = {key: value for key, value in asked["changes"].items() if value is not None}
    assert changes == {"accumulate": 4, "lambda_sync": 0.2, "sync_start": 50, "train_synthesis": False}
