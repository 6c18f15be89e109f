"""How much worse a number may become before a candidate fails: the rules of `gate.yaml`, and those without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench_lipsync.harness.errors import BenchError, suggest, validate
from bench_lipsync.harness.registry.metric_names import metric_names, own_name
from bench_lipsync.harness.util.text_files import read_yaml


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Part):
    """What one metric may lose. The larger of the two tolerances counts."""

    absolute: float | None = Field(default=None, ge=0.0)
    """In the metric's unit."""
    relative: float | None = Field(default=None, ge=0.0)
    """Of the baseline's value: 0.05 is 5 %."""
    significant: bool | None = None
    """Whether a loss beyond the tolerance must also be more than chance; `None`: as the gate says."""
    hard: float | None = Field(default=None, ge=1.0)
    """A loss of more than this many tolerances fails whatever the test says; `None`: as the gate says."""

    @model_validator(mode="after")
    def _some_tolerance(self) -> Rule:
        if self.absolute is None and self.relative is None:
            raise ValueError("needs `absolute`, `relative` or both")
        return self

    def allowed(self, base: float) -> float:
        """How far a value may move from `base`."""
        return max(self.absolute or 0.0, (self.relative or 0.0) * abs(base))


class SpeedRule(_Part):
    """How much slower a row, or a stage, may become."""

    relative: float = Field(gt=0.0)
    """0.5: half as long again."""


@cache
def default_rules() -> Mapping[str, Rule]:
    """Rules where `gate.yaml` says nothing, from the metrics' own tolerances: by name, and by `NAME[variant]`.

    Raises `BenchError` where a built-in scorer cannot be imported.
    """
    known = metric_names()
    known.require_builtin()
    rules: dict[str, Rule] = {}
    for info in (offer.info for offer in known.offers):
        if info.tolerance is not None:
            rule = Rule(absolute=info.tolerance.absolute, relative=info.tolerance.relative)
            rules.setdefault(info.name, rule)
            rules[info.column] = rule
    return rules


class GateSpec(_Part):
    """`gate.yaml`."""

    alpha: float = Field(default=0.01, gt=0.0, lt=1.0)
    """A loss counts as more than chance below this p, after Holm's correction for all tests of the gate."""
    significant: bool = True
    hard: float | None = Field(default=5.0, ge=1.0)
    default: Rule = Rule(relative=0.05)
    """For metrics without a rule in `metrics` and without a tolerance of their own."""
    metrics: dict[str, Rule | None] = Field(default_factory=dict)
    """By `NAME` or `NAME[variant]`; `null` leaves a metric out."""
    speed: SpeedRule | None = None
    """Seconds to generate a clip; not judged without it."""
    stages: dict[str, SpeedRule] = Field(default_factory=dict)
    """The same for stages of the run as `timings` in `run.json` names them."""
    models: list[str] | None = None
    """Rows to judge; without it every row of the baseline."""
    bounds: bool = True
    """Whether a bound row that moves, in either direction, fails: then the yardstick changed and not the model."""
    same_footage: bool = False
    """Whether prepared clips must be equal to the bit, and not only have the same ids."""

    @field_validator("metrics")
    @classmethod
    def _own_names(cls, rules: dict[str, Rule | None]) -> dict[str, Rule | None]:
        owned = {own_name(key): rule for key, rule in rules.items()}
        if len(owned) < len(rules):
            raise ValueError(f"two rules for one metric under two names: {', '.join(rules)}")
        return owned

    def rule(self, column: str) -> Rule | None:
        """The rule of `NAME[variant]`; `None` where it is left out."""
        name = column.partition("[")[0]
        for key in (column, name):
            if key in self.metrics:
                return self.metrics[key]
        rules = default_rules()
        return rules.get(column) or rules.get(name, self.default)

    def check_names(self, columns: Iterable[str], models: Iterable[str]) -> None:
        """Raise `BenchError` for a rule about a metric or a model that the baseline does not have."""
        known = list(dict.fromkeys([part for column in columns for part in (column, column.partition("[")[0])]))
        for key in self.metrics:
            if key not in known:
                raise BenchError(
                    f"the gate has a rule for metric {key!r}, which the baseline lacks ({suggest(key, known)})"
                )
        rows = list(models)
        for name in self.models or ():
            if name not in rows:
                raise BenchError(f"the gate names model {name!r}, which the baseline lacks ({suggest(name, rows)})")


def load_gate(path: Path) -> GateSpec:
    """Read `gate.yaml`.

    Raises:
        BenchError: The file is missing or not valid; the message names every wrong key, with the nearest known one.

    """
    values = read_yaml(path, "the gate")
    return make_gate({} if values is None else values, str(path))


def make_gate(values: Any, source: str = "the gate") -> GateSpec:
    """Validate what a gate's file holds. Raises `BenchError`."""
    if not isinstance(values, dict):
        raise BenchError(f"{source} holds a {type(values).__name__}, not a mapping; known keys: {_listed(GateSpec)}")
    return validate(GateSpec, values, f"{source} is not valid")


def _listed(part: type[BaseModel]) -> str:
    return ", ".join(part.model_fields)
