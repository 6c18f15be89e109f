"""The full model and the named variants that an ablation compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.registry.model_names import parse_name, row_name
from bench_lipsync.harness.registry.plugins import MODELS
from bench_lipsync.harness.results.common_clips import RunNumbers
from bench_lipsync.harness.results.schema import RunResult
from bench_lipsync.harness.run.model_loading import load_models
from bench_lipsync.harness.run.spec import mode_name
from bench_lipsync.harness.util.text_files import read_yaml

FULL = "full"
"""Label of the row that the others are compared with."""


@runtime_checkable
class AblatableModel(Protocol):
    """A model that lists its variants for ablations."""

    ablations: ClassVar[Mapping[str, str]]
    """Label -> switches behind the `@` of the model's name."""

    @property
    def settings(self) -> Mapping[str, object]:
        """What defines this instance, to tell two of them apart."""
        ...


class VariantsFile(BaseModel):
    """A YAML file that names variants."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full: str | None = None
    """Model that the others are compared with; `--model` says it otherwise."""
    variants: dict[str, str] = Field(min_length=1)
    """Label -> model as `bench run --model` takes it."""


@dataclass(frozen=True)
class Variants:
    """The models of an ablation, as requested."""

    full: str
    others: Mapping[str, str]
    """By label, in the order of the page."""

    @property
    def models(self) -> tuple[str, ...]:
        """All of them, the full one first."""
        return (self.full, *self.others.values())

    def rows(self, mode: str) -> dict[str, str]:
        """Label -> row name in `mode`."""
        models = {FULL: self.full, **self.others}
        return {label: mode_name(row_name(name), mode) for label, name in models.items()}


@dataclass(frozen=True)
class CurvePoint:
    """The same models, adapted on another amount of footage or with another number of steps."""

    seconds: float
    steps: int | None
    """`None`: the model's own number."""
    result: RunResult


@dataclass(frozen=True)
class Ablation:
    """Everything that the page shows."""

    variants: Variants
    modes: tuple[str, ...]
    result: RunResult
    folder: Path | None = None
    """Of the run, for the values of single clips."""
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By label: what differs from the full model; empty where the models do not say."""
    curve: tuple[CurvePoint, ...] = ()

    @cached_property
    def numbers(self) -> RunNumbers:
        """The run's numbers as rows are compared by."""
        return RunNumbers(self.result, self.folder)


def default_variants(model: str) -> Variants:
    """The variants that the model lists.

    Raises:
        BenchError: It lists none, or is not the model with its own weights.

    """
    name = parse_name(model)
    listed: Mapping[str, str] = getattr(MODELS.get(name.kind), "ablations", {})
    if not listed:
        raise BenchError(f"{name.kind} lists nothing that can be taken away from it; name variants: --variants FILE")
    if name.argument is not None or name.switches:
        raise BenchError(
            f"the variants of {name.kind} are those of its own weights, and {model!r} has others; every variant needs "
            "weights that were trained so: name them in a file, --variants FILE"
        )
    return Variants(model, {label: f"{name.kind}@{switches}" for label, switches in listed.items()})


def load_variants(path: Path, model: str | None) -> Variants:
    """Read variants from YAML.

    Raises:
        BenchError: The file is not valid, or its full model is not that of `--model`.

    """
    file = _validated(read_yaml(path, "the variants"), path)
    if model and file.full and model != file.full:
        raise BenchError(f"--model says {model!r} and {path} says full: {file.full!r}; leave one of them out")
    full = model or file.full
    if not full:
        raise BenchError(f"{path} does not say what the variants are compared with: `full: MODEL` in it, or --model")
    clash = [label for label, name in file.variants.items() if label == FULL or row_name(name) == row_name(full)]
    if clash:
        raise BenchError(f"variant {clash[0]!r} of {path} is the full model itself")
    return Variants(full, file.variants)


def _validated(values: Any, path: Path) -> VariantsFile:
    if not isinstance(values, dict):
        raise BenchError(f"{path} holds a {type(values).__name__}, not a mapping with `variants`")
    return validate(VariantsFile, values, f"{path} is not valid")


def differing_settings(variants: Variants) -> dict[str, dict[str, object]]:
    """What differs between the models' settings, by label; empty where one of them has no settings."""
    loaded = {row.name: row.model for row in load_models(variants.models).models}
    rows = variants.rows("zero-shot")
    settings: dict[str, Mapping[str, object]] = {}
    for label, row in rows.items():
        model = loaded.get(row)
        if isinstance(model, AblatableModel):
            settings[label] = model.settings
    if FULL not in settings:
        return {}
    keys = [key for key in settings[FULL] if any(own.get(key) != settings[FULL][key] for own in settings.values())]
    return {label: {key: own.get(key) for key in keys} for label, own in settings.items()}
