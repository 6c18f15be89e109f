"""Evaluation harness for lip-sync video models, with a complete StyleLipSync.

    from bench_lipsync import evaluate

    run = evaluate(models="stylelipsync", dataset="demo")
    run.table()

Metrics on their own are in `bench_lipsync.metrics`. Importing this package imports nothing heavy: every name below is
loaded when it is first used. `docs/python.md` shows how they work together.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench_lipsync.evaluation import Evaluation as Evaluation
    from bench_lipsync.evaluation import evaluate as evaluate
    from bench_lipsync.harness import __version__ as __version__
    from bench_lipsync.harness.api.clip import Clip as Clip
    from bench_lipsync.harness.api.clip import PreparedClip as PreparedClip
    from bench_lipsync.harness.api.dataset import Dataset as Dataset
    from bench_lipsync.harness.api.metric import MetricInfo as MetricInfo
    from bench_lipsync.harness.api.metric import Scorer as Scorer
    from bench_lipsync.harness.api.model import GenerateContext as GenerateContext
    from bench_lipsync.harness.api.model import LipSyncModel as LipSyncModel
    from bench_lipsync.harness.api.model import ModelCard as ModelCard
    from bench_lipsync.harness.errors import BenchError as BenchError
    from bench_lipsync.harness.errors import ClipError as ClipError
    from bench_lipsync.harness.errors import Status as Status
    from bench_lipsync.harness.results.schema import RunResult as RunResult
    from bench_lipsync.harness.run.spec import AdaptSpec as AdaptSpec
    from bench_lipsync.harness.run.spec import RunSpec as RunSpec

_MODULES = {
    "AdaptSpec": "harness.run.spec",
    "BenchError": "harness.errors",
    "Clip": "harness.api.clip",
    "ClipError": "harness.errors",
    "Dataset": "harness.api.dataset",
    "Evaluation": "evaluation",
    "GenerateContext": "harness.api.model",
    "LipSyncModel": "harness.api.model",
    "MetricInfo": "harness.api.metric",
    "ModelCard": "harness.api.model",
    "PreparedClip": "harness.api.clip",
    "RunResult": "harness.results.schema",
    "RunSpec": "harness.run.spec",
    "Scorer": "harness.api.metric",
    "Status": "harness.errors",
    "__version__": "harness",
    "evaluate": "evaluation",
}
__all__ = sorted(_MODULES)  # noqa: PLE0605 - the same names as above


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
