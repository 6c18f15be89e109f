"""Instances of the models that a run asks for; one whose weights are missing becomes an unavailable row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any

from harness.aggregate import ModelRun
from harness.model import LipSyncModel, ModelCard
from harness.plugins import BOUNDS, MODELS
from harness.status import BenchError


@dataclass(frozen=True)
class LoadedModel:
    """A model that can work here, under the name of its row."""

    name: str
    model: LipSyncModel

    @property
    def card(self) -> ModelCard:
        """The model's card under the row's name."""
        return replace(self.model.card, name=self.name)


@dataclass
class ModelSet:
    """Everything that gets a row, in the order of the table."""

    models: list[LoadedModel] = field(default_factory=list)
    unavailable: list[ModelRun] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)


def row_name(asked: str) -> str:
    """`stylelipsync:/some/where/mine.pth` is shown and hashed as `stylelipsync:mine.pth`."""
    name, colon, argument = asked.partition(":")
    return f"{name}:{PurePath(argument).name}" if colon else name


def load_models(asked: Sequence[str]) -> ModelSet:
    """The asked models, then the bound rows. `NAME:ARGUMENT` hands the argument to the model (weights, a folder).

    Raises `BenchError` for a name that nobody has, and for two rows that would have one name.
    """
    rows = [name for name in asked if name not in BOUNDS] + list(BOUNDS)
    names = [row_name(name) for name in rows]
    for name in names:
        if names.count(name) > 1:
            raise BenchError(f"two models would both be called {name!r} in the table; rename one of the files")
    loaded = ModelSet()
    for row, name in zip(rows, names, strict=True):
        kind, colon, argument = row.partition(":")
        factory = MODELS.get(kind)
        try:
            model = LoadedModel(name, factory(argument) if colon else factory())
        except BenchError as error:
            reason = f"unavailable: {error}"
            loaded.unavailable.append(ModelRun(name, unavailable=reason))
            loaded.cards.append(asdict(ModelCard(name=name, kind="model", description=reason)))
            continue
        loaded.models.append(model)
        loaded.cards.append(asdict(model.card))
    return loaded
