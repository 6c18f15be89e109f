"""Training settings: a preset with changes, checked before anything else is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from pydantic import BaseModel

from bench_lipsync.harness.errors import BenchError, validate


class TrainingSettings(Protocol):
    """What every trainer's settings, a frozen pydantic model, have."""

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""

    @property
    def save_every(self) -> int:
        """Steps between two saves."""

    def model_dump_json(self) -> str:
        """All settings as JSON."""


S = TypeVar("S", bound=BaseModel)


def make_settings(presets: Mapping[str, S], preset: str, changes: Mapping[str, object]) -> S:
    """Change a preset.

    Args:
        presets: Settings by name.
        preset: One of the names.
        changes: New values by field; `None` leaves the preset's. A mapping changes fields of a nested model.

    Raises:
        BenchError: For an unknown preset or field, and for values that are not allowed.

    """
    if preset not in presets:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(presets)}")
    return change_settings(presets[preset], changes, f"recipe {preset}")


def change_settings(settings: S, changes: Mapping[str, object], source: str) -> S:
    """`settings` with `changes` as of `make_settings`; an error's message begins with `source`."""
    return validate(type(settings), _merged(settings.model_dump(), changes), source)


def _merged(values: dict[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """`values` with `changes` written into it."""
    for key, value in changes.items():
        old = values.get(key)
        if isinstance(value, Mapping) and isinstance(old, dict):
            _merged(old, value)
        elif value is not None:
            values[key] = value
    return values
