"""Tuning a model to the person before dubbing, on footage that is not the one to be dubbed, or on that one."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.harness.api.clip import FPS, Clip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptRequest, GenerateContext, LipSyncModel
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.sanitize import safe_id

SIZE = 256


def adapted(
    model: LipSyncModel, video: Path, seconds: float, context: GenerateContext, store: Store | None = None
) -> LipSyncModel:
    """`model` tuned to the first `seconds` of `video`, which needs its own sound; kept in the store for the next time.

    Raises `BenchError` for a model that cannot be adapted and `ClipError` for footage that cannot be learned from.
    """
    if not isinstance(model, AdaptableModel):
        raise BenchError(f"{model.card.name} cannot be adapted to a person; leave --adapt-on out")
    store = store or open_store()
    person = safe_id(video.stem)
    footage = stages.prepare(Clip(person, person, video, start=0.0, end=seconds), SIZE, store)
    wanted = round(seconds * FPS)
    if footage.frames < wanted:
        reason = f"{video.name} has {footage.frames / FPS:.2f} s for --adapt-seconds {seconds:g}"
        raise ClipError(Status.TOO_SHORT, reason)
    request = AdaptRequest(seed=context.seed, device=context.device)
    return model.adapted(stages.adapt(model, footage, (0, wanted), request, store))
