"""`bench train syncnet`: options reach the trainer as they are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli import train_syncnet
from bench_lipsync.models.syncnet.open.batches import TrainConfig


@pytest.fixture
def app() -> typer.Typer:
    root = typer.Typer()
    group = typer.Typer()
    train_syncnet.register(group)
    root.add_typer(group, name="train")

    @root.command()
    def other() -> None:
        """Typer drops the name of a lone group."""

    return root


def test_options_reach_the_trainer(app: typer.Typer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def trainer(clips: list[str], out: Path, **options: Any) -> Path:
        seen.update(options, clips=clips, out=out)
        for _ in range(7):
            options["on_step"]("loss 1.0")
        return out / "weights"

    monkeypatch.setattr(train_syncnet, "training_clips", lambda *asked: list(asked))
    monkeypatch.setattr("bench_lipsync.harness.registry.plugins.TRAINERS.get", lambda name: trainer)
    line = f"train syncnet --out {tmp_path} --steps 7 --seed 3 --limit 4 --bf16 --device cpu"
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    assert seen["clips"] == ["demo", None, "train", 4]
    assert seen["out"] == tmp_path
    config = TrainConfig(**seen["config"])
    assert (config.steps, config.seed, config.bf16) == (7, 3, True)
    assert seen["device"] == "cpu"


def test_help_has_an_example(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["train", "syncnet", "--help"])
    assert result.exit_code == 0
    assert "Example: bench train syncnet" in result.output
