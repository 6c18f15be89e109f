"""Loads the requested models; one whose weights are missing becomes an unavailable row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from inspect import signature
from pathlib import Path
from typing import Any

from bench_lipsync.harness.api.model import AdaptableModel, AdaptRequest, LipSyncModel, ModelCard, VariantError
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.model_names import parse_name, row_name
from bench_lipsync.harness.registry.plugins import BOUNDS, MODELS
from bench_lipsync.harness.registry.registry import UnknownNameError
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.run.spec import AdaptSpec, RunSpec, mode_name

ZERO_SHOT: Mapping[str, AdaptRequest | None] = {"zero-shot": None}


@dataclass(frozen=True)
class LoadedModel:
    """A loaded model, under the name of its row."""

    name: str
    model: LipSyncModel
    mode: str = "zero-shot"
    request: AdaptRequest | None = None
    """How it is adapted to each speaker; `None` for zero-shot rows."""

    @property
    def card(self) -> ModelCard:
        """The model's card under the row's name."""
        card = replace(self.model.card, name=self.name)
        if self.request is None or not isinstance(self.model, AdaptableModel):
            return card
        how = self.model.describe_adaptation(self.request)
        return replace(
            card, description=f"{card.description}, tuned to each person on footage that is not scored: {how}"
        )


@dataclass
class ModelSet:
    """All rows, in the order of the table."""

    models: list[LoadedModel] = field(default_factory=list)
    unavailable: list[ModelRun] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[str, BenchError] = field(default_factory=dict)
    """Why a requested model could not be loaded, by its name; the rows have it in short."""


def requests(spec: RunSpec, device: str) -> dict[str, AdaptRequest | None]:
    """How models are adapted in each of the run's modes; `None`: not at all."""
    adapt = spec.adapt or AdaptSpec()
    full = AdaptRequest(
        steps=adapt.steps, earlier=adapt.earlier, seed=spec.seed, device=device, settings=adapt.settings
    )
    by_mode = {
        "zero-shot": None,
        "adapted": full,
        "adapted-no-reg": replace(full, regularise=False),
        "adapted-no-sync": replace(full, synchronise=False),
    }
    return {mode: by_mode[mode] for mode in spec.modes}


def load_row(spec: RunSpec, device: str, name: str) -> LoadedModel:
    """The model of one row of a run. Raises `BenchError` where `load_models` would call it unavailable."""
    for requested in (*spec.models, *BOUNDS):
        modes = ZERO_SHOT if requested in BOUNDS else requests(spec, device)
        for mode, request in modes.items():
            if mode_name(row_name(requested), mode) == name:
                return LoadedModel(name, _instance(requested), mode, request)
    raise ValueError(f"the run has no row {name!r}")


def load_models(requested: Sequence[str], modes: Mapping[str, AdaptRequest | None] = ZERO_SHOT) -> ModelSet:
    """Load the requested models in every mode, then the bound rows.

    Args:
        requested: Names as in `harness.registry.model_names`.
        modes: How models are adapted in each mode; `None`: not at all.

    Raises:
        BenchError: A name is unknown, its file does not exist, two rows would have the same name, or a model or its
            weights have no such variant.

    """
    rows = [name for name in requested if name not in BOUNDS] + list(BOUNDS)
    names = [row_name(name) for name in rows]
    for name in names:
        if names.count(name) > 1:
            raise BenchError(f"two models would both be called {name!r} in the table; rename one of the files")
    loaded = ModelSet()
    for row, name in zip(rows, names, strict=True):
        _add(loaded, row, name, ZERO_SHOT if row in BOUNDS else modes)
    return loaded


def _add(loaded: ModelSet, row: str, name: str, modes: Mapping[str, AdaptRequest | None]) -> None:
    """Load one model once and give it a row in every mode."""
    missing, model = "", None
    try:
        model = _instance(row)
    except (VariantError, UnknownNameError):
        raise
    except BenchError as error:
        argument = parse_name(row).argument
        if argument is not None and not Path(argument).exists():
            raise  # A mistyped path and no weights that others may have.
        missing = f"unavailable: {error.short}"
        loaded.problems[name] = error
    for mode, request in modes.items():
        title = mode_name(name, mode)
        reason = missing
        if request is not None and not reason and not isinstance(model, AdaptableModel):
            reason = f"unavailable: {row} cannot be adapted to a person; measure it with --mode zero-shot"
        if model is None or reason:
            loaded.unavailable.append(ModelRun(title, unavailable=reason, mode=mode))
            loaded.cards.append(asdict(ModelCard(name=title, kind="model", description=reason)))
            continue
        loaded.models.append(LoadedModel(title, model, mode, request))
        loaded.cards.append(asdict(loaded.models[-1].card))


def _instance(requested: str) -> LipSyncModel:
    name = parse_name(requested)
    factory = MODELS.get(name.kind)
    arguments = () if name.argument is None else (name.argument,)
    if not name.switches:
        return factory(*arguments)
    if "variant" not in signature(factory).parameters:
        raise VariantError(f"{name.kind} has no variants; {requested!r} should be {name._replace(switches=())}")
    return factory(*arguments, variant=name.variant)
