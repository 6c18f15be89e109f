"""How much worse a number may become before a candidate fails: the rules of `gate.yaml`, and those without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench_lipsync.harness.errors import BenchError, suggest, validate
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


DEFAULT_RULES: Mapping[str, Rule] = {
    "LSE-C": Rule(relative=0.05, absolute=0.02),
    "LSE-D": Rule(relative=0.05, absolute=0.02),
    "AV-offset": Rule(absolute=0.5),
    "FID": Rule(relative=0.1, absolute=0.5),
    "FVD": Rule(relative=0.1, absolute=5.0),
    "KID": Rule(relative=0.2, absolute=0.002),
    "SSIM": Rule(absolute=0.01),
    "PSNR": Rule(absolute=0.5),
    "LPIPS": Rule(relative=0.05, absolute=0.005),
    "SSIM-mouth": Rule(absolute=0.02),
    "PSNR-mouth": Rule(absolute=0.5),
    "LPIPS-mouth": Rule(relative=0.05, absolute=0.01),
    "LMD": Rule(relative=0.1, absolute=0.1),
    "LMD-mouth": Rule(relative=0.1, absolute=0.1),
    "LipOpen-error": Rule(relative=0.1, absolute=0.01),
    "LipOpen-corr": Rule(absolute=0.03),
    "LipLeak": Rule(relative=0.25, absolute=0.02),
    "CPBD": Rule(absolute=0.02),
    "CPBD-mouth": Rule(absolute=0.02),
    "CSIM": Rule(absolute=0.01),
    "TWE": Rule(relative=0.1, absolute=0.05),
    "Jitter": Rule(relative=0.1, absolute=0.02),
}
"""Tolerances where `gate.yaml` says nothing: about what a reader of a table would call a difference."""


class GateSpec(_Part):
    """`gate.yaml`."""

    alpha: float = Field(default=0.01, gt=0.0, lt=1.0)
    """A loss counts as more than chance below this p, after Holm's correction for all tests of the gate."""
    significant: bool = True
    hard: float | None = Field(default=5.0, ge=1.0)
    default: Rule = Rule(relative=0.05)
    """For metrics that neither `metrics` nor `DEFAULT_RULES` name."""
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

    def rule(self, column: str) -> Rule | None:
        """The rule of `NAME[variant]`; `None` where it is left out."""
        name = column.partition("[")[0]
        for key in (column, name):
            if key in self.metrics:
                return self.metrics[key]
        return DEFAULT_RULES.get(name, self.default)

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
    """Read `gate.yaml`. Raises `BenchError` that names every wrong key, with the nearest known one."""
    values = read_yaml(path, "the gate")
    return make_gate({} if values is None else values, str(path))


def make_gate(values: Any, source: str = "the gate") -> GateSpec:
    """Validate what a gate's file holds. Raises `BenchError`."""
    if not isinstance(values, dict):
        raise BenchError(f"{source} holds a {type(values).__name__}, not a mapping; known keys: {_listed(GateSpec)}")
    return validate(GateSpec, values, f"{source} is not valid")


def _listed(part: type[BaseModel]) -> str:
    return ", ".join(part.model_fields)
