"""`bench train stylegan2` and `bench convert stylegan2`: options reach what does the work."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli import convert, train
from bench_lipsync.harness.errors import BenchError


@pytest.fixture
def app() -> typer.Typer:
    root = typer.Typer()
    train.register(root)
    convert.register(root)
    return root


def test_training_options_reach_the_trainer(app: typer.Typer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def trainer(clips: list[Any], out: Path, preset: str, changes: dict[str, Any], **options: Any) -> Path:
        seen.update(options, clips=clips, out=out, preset=preset, changes=changes)
        return out / "prior.safetensors"

    def prepare_all(clips: list[str], size: int, store: Any) -> Any:
        return SimpleNamespace(clips={name: name for name in clips}, failures={})

    found = SimpleNamespace(clips=["a", "b", "c"], split="train")
    monkeypatch.setattr(
        "bench_lipsync.harness.registry.plugins.DATASETS.get",
        lambda name: lambda: SimpleNamespace(clips=lambda request: found),
    )
    monkeypatch.setattr("bench_lipsync.harness.stages.stages.prepare_all", prepare_all)
    monkeypatch.setattr(
        "bench_lipsync.harness.registry.plugins.TRAINERS.get", lambda name: trainer if name == "stylegan2" else None
    )
    line = f"train stylegan2 --out {tmp_path} --limit 2 --kimg 3 --batch 4 --gamma 0.2 --seed 7 --device cpu"
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    assert (seen["clips"], seen["out"], seen["preset"], seen["device"]) == (["a", "b"], tmp_path, "demo", "cpu")
    assert seen["changes"] == {"kimg": 3.0, "batch": 4, "lr": None, "r1_gamma": 0.2, "seed": 7}
    assert seen["trained_on"] == "demo (train, 2 clips)"
    assert f"prior: {tmp_path / 'prior.safetensors'}" in result.output


def test_no_clip_to_train_on_is_an_error_that_names_the_dataset(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = SimpleNamespace(clips=[], split="test")
    monkeypatch.setattr(
        "bench_lipsync.harness.registry.plugins.DATASETS.get",
        lambda name: lambda: SimpleNamespace(clips=lambda request: found),
    )
    result = CliRunner().invoke(app, ["train", "stylegan2", "--dataset", "hdtf", "--out", str(tmp_path)])
    assert isinstance(result.exception, BenchError)
    assert "no clip of hdtf (test)" in str(result.exception)


def test_conversion_reaches_the_converter_and_names_missing_files(app: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "prior.safetensors"
    result = CliRunner().invoke(app, ["convert", "stylegan2", str(tmp_path / "none.pkl"), "--out", str(out)])
    assert isinstance(result.exception, BenchError)
    assert "none.pkl" in str(result.exception)
    result = CliRunner().invoke(app, ["convert", "stylegan2", "x.pkl", "--out", str(out), "--preset", "best"])
    assert "published or demo" in str(result.exception)
    assert not out.exists()


@pytest.mark.parametrize("command", ["train", "convert"])
def test_help_has_an_example(app: typer.Typer, command: str) -> None:
    result = CliRunner().invoke(app, [command, "stylegan2", "--help"])
    assert result.exit_code == 0
    assert f"Example: bench {command} stylegan2" in result.output
