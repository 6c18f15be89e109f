"""Results with people in them, as a run of the demo set gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench_lipsync.harness.results.schema import (
    ClipFacts,
    MetricRow,
    PeopleRecord,
    Provenance,
    RunResult,
    SpeedRecord,
)
from bench_lipsync.harness.util.files import sha256_json

PEOPLE = tuple(f"p{number}" for number in range(8))


class Kind(NamedTuple):
    """A metric over people; `noise` is the spread of their differences between two networks."""

    direction: str
    scale: str
    mean: float
    spread: float
    noise: float


# Measured on the demo set's eight test people: the full network, and what differs in those without SaMF or MaLS.
KINDS = {
    "LSE-C": Kind("higher", "linear", 0.400, 0.057, 0.022),
    "LSE-D": Kind("lower", "linear", 0.873, 0.046, 0.028),
    "AV-offset": Kind("none", "linear", 0.0, 0.0, 0.0),
    "FID": Kind("lower", "log", 3.64, 0.32, 0.158),
    "KID": Kind("lower", "linear", 0.0131, 0.0078, 0.0047),
    "SSIM": Kind("higher", "linear", 0.890, 0.020, 0.0035),
    "PSNR": Kind("higher", "linear", 26.3, 1.94, 0.50),
    "LPIPS": Kind("lower", "linear", 0.0784, 0.0204, 0.0039),
    "SSIM-mouth": Kind("higher", "linear", 0.537, 0.112, 0.0138),
    "PSNR-mouth": Kind("higher", "linear", 20.7, 1.49, 0.32),
    "TWE": Kind("lower", "linear", 2.26, 0.29, 0.123),
    "Jitter": Kind("lower", "linear", 0.376, 0.095, 0.054),
}
Parts = dict[str, dict[str, Any]]
"""By row and metric: what each person adds, one clip each."""


def usual(models: Sequence[str] = ("sls",), seed: int = 0) -> Parts:
    """Rows as the demo network has them."""
    rng = np.random.default_rng(seed)
    return {model: {name: rng.normal(k.mean, k.spread, len(PEOPLE)) for name, k in KINDS.items()} for model in models}


def noisy(parts: Parts, seed: int, times: float = 1.0) -> Parts:
    """The same with noise as strong as between two networks that were trained apart."""
    rng = np.random.default_rng(seed)
    return {
        model: {name: sums + rng.normal(0, times * KINDS[name].noise, len(sums)) for name, sums in row.items()}
        for model, row in parts.items()
    }


def metric(model: str, name: str, sums: Sequence[float], people: Sequence[str] = PEOPLE, **changes: Any) -> MetricRow:
    kind = KINDS[name]
    mean = float(np.mean(sums))
    record = PeopleRecord(
        groups=list(people),
        sums=[float(part) for part in sums],
        weights=[1.0] * len(people),
        scale="log" if kind.scale == "log" else "linear",
        clips=sha256_json(sorted(people)),
    )
    values: dict[str, Any] = {
        "model": model,
        "mode": "zero-shot",
        "name": name,
        "variant": "v",
        "signature": f"{name}|v1",
        "direction": kind.direction,
        "value": math.exp(mean) if kind.scale == "log" else mean,
        "n_ok": len(people),
        "n_total": len(people),
        "people": record,
    }
    return MetricRow.model_validate({**values, **changes})


def result(
    parts: Parts, seconds: Mapping[str, float] | None = None, people: Sequence[str] = PEOPLE, **changes: Any
) -> RunResult:
    """A run of `parts`; rows called `ground-truth` or `static` are bounds, `seconds` is a row's time for every clip."""
    rows = [metric(model, name, sums, people) for model, row in parts.items() for name, sums in row.items()]
    values: dict[str, Any] = {
        "status": "complete",
        "created": "2026-01-02T03:04:05+00:00",
        "spec": {
            "dataset": "demo",
            "split": "test",
            "protocol": "reconstruction",
            "size": 256,
            "seed": 0,
            "adapt": None,
        },
        "spec_hash": "ab" * 32,
        "provenance": Provenance(bench_version="0.1.0", python="3.11", platform="Linux", device="cpu, 2 threads"),
        "models": [
            {"name": model, "kind": "bound" if model in ("ground-truth", "static") else "model", "weights": "w@1"}
            for model in parts
        ],
        "metrics": rows,
        "clips": [
            ClipFacts(id=p, identity=p, status="ok", frames=50, seconds=2.0, content_hash="0" * 64) for p in people
        ],
        "failures": [],
        "timings": {"prepare": 10.0},
        "speed": [SpeedRecord(model=m, seconds=dict.fromkeys(people, s)) for m, s in (seconds or {}).items()],
    }
    return RunResult.model_validate({**values, **changes})
