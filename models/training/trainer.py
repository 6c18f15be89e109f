"""One training in memory, and its resume state on disk."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import torch

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_torch
from bench_lipsync.harness.util.files import appearing
from bench_lipsync.models.training.settings import TrainingSettings

L = TypeVar("L", bound=NamedTuple)


class Stateful(Protocol):
    """A network or an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that has to be saved."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Take over what was saved."""


class Trainer(ABC, Generic[L]):
    """Takes optimizer steps, each of which gives losses `L`, a named tuple of scalars.

    What a step does follows from `parts`, `extra_state`, the settings and the step's number alone, so that a training
    that was interrupted ends with the weights of one that was not.
    """

    may_change: ClassVar[frozenset[str]] = frozenset({"steps", "save_every"})
    """Settings that may differ in a resumed training; its length may as long as `rate` is the same so far."""
    done: int = 0
    """Steps taken so far."""

    def __init__(self, settings: TrainingSettings, device: str) -> None:
        self.settings: Any = settings
        self.device = device

    @abstractmethod
    def step(self) -> L:
        """Take one optimizer step."""

    @staticmethod
    def rate(settings: Any, step: int) -> float:
        """Learning rate in step number `step` (from 0), or its factor; constant by default."""
        return 1.0

    @abstractmethod
    def parts(self) -> Mapping[str, Stateful]:
        """Networks and optimizers, by their names in the resume state."""

    def inputs(self) -> Mapping[str, object]:
        """What decides the result beside the settings, by name; a resumed training must have the same."""
        return {}

    def extra_state(self) -> Mapping[str, Any]:
        """What the next step depends on beside `parts`: counters, states of random generators."""
        return {}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `extra_state` gave."""

    def note(self, losses: L) -> str:
        """What the progress bar says after a step."""
        return f"loss {float(losses[0]):.4f}"

    def save(self, path: Path) -> None:
        """Write the resume state, completely or not at all."""
        state = {
            "settings": self.settings.model_dump_json(),
            "done": self.done,
            **self.inputs(),
            **self.extra_state(),
            **{name: part.state_dict() for name, part in self.parts().items()},
        }
        with appearing(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Go on where `save` was called.

        Raises:
            BenchError: If the state is of a training with other settings, inputs or networks.

        """
        state: dict[str, Any] = read_torch(path, str(self.device))
        try:
            self._check(path, state)
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
            self.load_extra_state(state)
            self.done = state["done"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BenchError(f"{path} is no state of this training ({error}); use another --out") from error

    def _check(self, path: Path, state: Mapping[str, Any]) -> None:
        # Through the model, so that a setting added since then has its default.
        saved = type(self.settings).model_validate_json(state["settings"])
        old, new = (_flat(json.loads(settings.model_dump_json())) for settings in (saved, self.settings))
        fixed = sorted(key for key in old | new if key.partition(".")[0] not in self.may_change)
        told = [f"{key} {old.get(key)}, not {new.get(key)}" for key in fixed if old.get(key) != new.get(key)]
        for name, value in self.inputs().items():
            if state[name] != value:
                title = name.replace("_", " ")
                told.append(f"{state[name]} {title}, not {value}" if isinstance(value, int) else f"other {title}")
        if told:
            raise BenchError(f"{path} was made with {'; '.join(told)}; keep that or use another --out")
        self._check_length(path, saved, state["done"])

    def _check_length(self, path: Path, saved: Any, done: int) -> None:
        """Raise `BenchError` unless a training of the new length would have taken the same steps so far."""
        steps = self.settings.steps
        if steps == saved.steps:
            return
        if steps < done:
            raise BenchError(f"{path} has {done} steps behind it, and {steps} are asked for; use another --out")
        if any(self.rate(saved, step) != self.rate(self.settings, step) for step in range(done)):
            raise BenchError(
                f"{path} was made with {saved.steps} steps, not {steps}, over which its learning rate falls: its first "
                f"{done} would have been others; keep {saved.steps} or use another --out"
            )


def _flat(values: Mapping[str, Any], parent: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{parent}{key}.") if isinstance(value, dict) else {f"{parent}{key}": value}
    return flat
