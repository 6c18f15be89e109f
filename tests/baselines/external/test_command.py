"""Argument lists and environments of the programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from talkers import describe

from bench_lipsync.baselines.external.description import Step
from bench_lipsync.baselines.external.program.command import PRELUDE, step_argv, variables
from bench_lipsync.baselines.external.program.process import TOKEN
from bench_lipsync.baselines.external.program.workspace import Workspace
from bench_lipsync.harness.errors import BenchError

VALUES = {"video": "in/clip.mp4", "seed": "3", "out": "out"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("{python}", "run.py", "--face", "{video}"), ("py", PRELUDE, "run.py", "--face", "in/clip.mp4")),
        (("{python}", "-m", "scripts.run", "{out}"), ("py", PRELUDE, "-m", "scripts.run", "out")),
        (("{python}", "-u", "run.py", "-m", "x"), ("py", "-u", PRELUDE, "run.py", "-m", "x")),
        (("{python}", "-c", "print(1)"), ("py", "-c", "print(1)")),
        (("ffmpeg", "-i", "{video}"), ("ffmpeg", "-i", "in/clip.mp4")),
        (("{python}", "run.py", "{not_known}", '{"a": 1}'), ("py", PRELUDE, "run.py", "{not_known}", '{"a": 1}')),
    ],
)
def test_step(words: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert step_argv(Step(argv=words), VALUES, "py") == expected


def test_step_without_prelude() -> None:
    assert step_argv(Step(argv=("{python}", "run.py"), prelude=False), {}, "py") == ("py", "run.py")


def test_a_value_is_one_argument_whatever_it_holds() -> None:
    values = {"video": "a b; rm -rf /", "out": "$(id)"}
    assert step_argv(Step(argv=("x", "{video}", "--o={out}")), values, "py") == ("x", "a b; rm -rf /", "--o=$(id)")


@pytest.mark.parametrize(
    ("device", "ours", "expected"),
    [
        ("cpu", "0,1", ""),
        ("cuda", None, None),
        ("cuda", "2,3", "2,3"),
        ("cuda:1", None, "1"),
        ("cuda:1", "2,3", "3"),
    ],
)
def test_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, ours: str | None, expected: str) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if ours is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    made = variables(describe("good"), VALUES, Workspace("t", tmp_path), seed=3, device=device)
    assert made.get("CUDA_VISIBLE_DEVICES") == expected


@pytest.mark.parametrize(("device", "reason"), [("mps", "not on 'mps'"), ("cuda:5", "cuda:5 is not there")])
def test_devices_that_cannot_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, reason: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(BenchError, match=reason):
        variables(describe("good"), VALUES, Workspace("t", tmp_path), seed=3, device=device)


def test_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "PYTHONPATH", "VIRTUAL_ENV", "LD_PRELOAD"):
        monkeypatch.setenv(name, "ours")
    description = describe("good", shims=["yaml-load"], variables={"PYTHONPATH": "sub", "CLIP": "{video}"})
    made = variables(description, VALUES, Workspace("beef", tmp_path), seed=2**40 + 3, device="cpu")
    assert "ours" not in made.values()
    assert made["PYTHONPATH"] == "sub"
    assert made["CLIP"] == "in/clip.mp4"
    assert made["BENCH_SHIMS"] == "yaml-load"
    assert made["PYTHONHASHSEED"] == "3"
    assert made[TOKEN] == "beef"
    assert made["TMPDIR"].startswith(str(tmp_path))
