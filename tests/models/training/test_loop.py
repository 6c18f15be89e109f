"""The training loop and the resume state, with a trainer of one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from pydantic import BaseModel

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.settings import make_settings
from bench_lipsync.models.training.trainer import Stateful, Trainer


class Settings(BaseModel):
    steps: int = 7
    lr: float = 0.5
    save_every: int = 3


class Losses(NamedTuple):
    total: torch.Tensor


class Counter(Trainer[Losses]):
    """Adds the learning rate in every step."""

    def __init__(self, settings: Settings, clips: int = 4, clip_hash: str = "abc") -> None:
        super().__init__(settings, "cpu")
        self.net = torch.nn.Linear(1, 1, bias=False).requires_grad_(False)
        self.net.weight.zero_()
        self.given = {"clips_a_step": clips, "clips": clip_hash}

    def step(self) -> Losses:
        self.net.weight += self.settings.lr
        self.done += 1
        return Losses(self.net.weight.sum())

    def parts(self) -> Mapping[str, Stateful]:
        return {"net": self.net}

    def inputs(self) -> Mapping[str, object]:
        return self.given


def test_callbacks_and_saves_come_when_they_are_due() -> None:
    trainer, calls = Counter(Settings()), []

    def note(name: str) -> Callback[Losses]:
        return Callback(5, lambda losses: calls.append((name, trainer.done, float(losses.total))), name == "end")

    never = Callback(0, lambda losses: calls.append(("never", 0, 0.0)))
    fit(trainer, [note("log"), note("end"), never], lambda: calls.append(("save", trainer.done, 0.0)))
    assert calls == [
        *[("save", 3, 0.0), ("log", 5, 2.5), ("end", 5, 2.5), ("save", 6, 0.0), ("end", 7, 3.5), ("save", 7, 0.0)]
    ]
    fit(trainer, [note("log")], lambda: calls.append(("again", trainer.done, 0.0)))
    assert calls[-1] == ("again", 7, 0.0), "a finished training writes its files once more"


def test_a_loss_that_is_no_number_ends_it_before_anything_is_saved() -> None:
    trainer, saved = Counter(Settings(lr=math.inf, save_every=1)), []
    with pytest.raises(BenchError, match=r"the loss is inf at step 1 \(total\); lower the learning rate"):
        fit(trainer, [], lambda: saved.append(1))
    assert not saved


def test_resume_state(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.pt"
    trainer = Counter(Settings())
    trainer.step()
    trainer.save(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["state.pt"]
    resumed = Counter(Settings(steps=9))
    resumed.load(path)
    assert (resumed.done, float(resumed.net.weight)) == (1, 0.5)
    with pytest.raises(BenchError, match=r"made with lr 0.5, not 1.0; other clips; keep that or use another --out"):
        Counter(Settings(lr=1.0), clip_hash="other").load(path)
    with pytest.raises(BenchError, match="made with 4 clips a step, not 5; keep that or use another --out"):
        Counter(Settings(), clips=5).load(path)


class Falling(Counter):
    """The same with a learning rate that falls over the steps after a warm-up of two."""

    @staticmethod
    def rate(settings: Settings, step: int) -> float:
        return settings.lr * (1.0 if step < 2 else 1 - step / settings.steps)

    def step(self) -> Losses:
        self.net.weight += self.rate(self.settings, self.done)
        self.done += 1
        return Losses(self.net.weight.sum())


@pytest.mark.parametrize(("kind", "done"), [(Counter, 7), (Falling, 1), (Falling, 2)])
def test_more_steps_give_what_a_training_of_that_length_gives(kind: type[Counter], done: int, tmp_path: Path) -> None:
    short, long, whole = kind(Settings(steps=7)), kind(Settings(steps=9)), kind(Settings(steps=9))
    for _ in range(done):
        short.step()
    short.save(tmp_path / "state.pt")
    long.load(tmp_path / "state.pt")
    for trainer in (long, whole):
        fit(trainer, [], lambda: None, quiet=True)
    assert float(long.net.weight) == float(whole.net.weight)


def test_other_lengths_are_refused_with_the_reason(tmp_path: Path) -> None:
    short = Falling(Settings(steps=7))
    for _ in range(3):
        short.step()
    short.save(tmp_path / "state.pt")
    with pytest.raises(BenchError, match=r"made with 7 steps, not 9, over which its learning rate falls: its first 3"):
        Falling(Settings(steps=9)).load(tmp_path / "state.pt")
    with pytest.raises(BenchError, match=r"has 3 steps behind it, and 2 are asked for; use another --out"):
        Counter(Settings(steps=2)).load(tmp_path / "state.pt")


@pytest.mark.parametrize("missing", ["settings", "done", "net", "clips"])
def test_a_state_of_something_else_is_refused(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "state.pt"
    Counter(Settings()).save(path)
    state = torch.load(path, weights_only=True)
    del state[missing]
    torch.save(state, path)
    with pytest.raises(BenchError, match="no state of this training"):
        Counter(Settings()).load(path)


def test_settings_from_a_preset() -> None:
    class Outer(Settings):
        network: Settings = Settings()

    presets = {"small": Outer(), "large": Outer(steps=100)}
    changed = make_settings(presets, "large", {"lr": 2, "save_every": None, "network": {"steps": 3, "lr": None}})
    assert changed == Outer(steps=100, lr=2.0, network=Settings(steps=3))
    assert presets["large"] == Outer(steps=100)
    with pytest.raises(BenchError, match="no recipe is called 'huge'; choose small or large"):
        make_settings(presets, "huge", {})
    with pytest.raises(BenchError, match=r"recipe small: network\.lr: .*number"):
        make_settings(presets, "small", {"network": {"lr": "fast"}})
