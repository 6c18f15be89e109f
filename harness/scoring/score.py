"""Scoring one model's output for one clip: frames are decoded once for all scorers whose result is not stored yet."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.compute.batching import NotEnoughMemoryError
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.scoring.one_pass import one_pass
from bench_lipsync.harness.scoring.score_files import (
    CURVES_FILE,
    FEATURES_FILE,
    VALUES_FILE,
    VERSION,
    load_curves,
    save_curves,
    save_features,
)
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated, audio_hash
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger(__name__)
_REMEMBERED = frozenset({Status.METRIC_FAILED, Status.TOO_SHORT, Status.BAD_OUTPUT})


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A `ClipError` as plain data."""

    status: Status
    reason: str

    @classmethod
    def of(cls, error: ClipError) -> FailureRecord:
        """The record of `error`."""
        return cls(error.status, error.reason)


@dataclass(frozen=True, slots=True)
class ClipResult:
    """What all scorers measured on one output, from the worker that scores it to the aggregation of the run.

    Files are named by references of the store (`Store.ref`), which mean the same on every machine.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    """Clip metrics by column."""
    features: Mapping[str, str] = field(default_factory=dict)
    """Files with the features of set metrics, by column; read with `score_files.load_features`."""
    curves: Mapping[str, str] = field(default_factory=dict)
    """Files with per-frame values, by column; read with `score_files.load_curves`."""
    failures: tuple[FailureRecord, ...] = ()
    """Of scorers; the other scorers' values are there."""


def score_clip(
    scorers: Sequence[LoadedScorer], clip: PreparedClip, output: Generated, audio: NDArray[np.int16], store: Store
) -> ClipResult:
    """Score a model's output for one clip. Scores that are in the store are not computed again.

    Args:
        scorers: What to measure with. One that fails does not stop the others.
        clip: The ground truth.
        output: The model's frames; same size, rate and length as the clip.
        audio: (samples,) int16 at 16 kHz, the audio that the lips are compared with.
        store: Keeps the scores.

    Returns:
        Values, references to features and curves, and the failures of scorers.

    """
    heard = audio_hash(audio)
    parts = {loaded.name: _parts(loaded, clip, output, heard) for loaded in scorers}
    with span("store"):
        todo = [loaded for loaded in scorers if not _is_stored(store, parts[loaded.name])]
    fresh = one_pass(todo, clip, output, audio) if todo else {}
    values: dict[str, float] = {}
    features: dict[str, str] = {}
    curves: dict[str, str] = {}
    failures: list[FailureRecord] = []
    with span("store"):
        for loaded in scorers:
            result = fresh.get(loaded.name)
            try:
                build = _vanished if result is None else partial(_save, _lasting(result))
                folder = store.make("score", parts[loaded.name], build, remember=_REMEMBERED).path
            except ClipError as error:
                failures.append(FailureRecord(error.status, f"{loaded.name}: {error.reason}"))
                continue
            measured, framewise = _content(result, folder)
            features_ref, curves_ref = store.ref(folder / FEATURES_FILE), store.ref(folder / CURVES_FILE)
            for info in loaded.wanted:
                if info.column in measured:
                    values[info.column] = measured[info.column]
                if info.level == "set":
                    features[info.column] = features_ref
                if info.column in framewise:
                    curves[info.column] = curves_ref
    return ClipResult(values, features, curves, tuple(failures))


def _content(result: ClipScore | ClipError | None, folder: Path) -> tuple[dict[str, float], Collection[str]]:
    """Values, and the columns with curves, of a score that was just computed or lies in `folder`."""
    if isinstance(result, ClipScore):
        return {column: float(value) for column, value in result.values.items()}, result.per_frame.keys()
    return json.loads((folder / VALUES_FILE).read_text(encoding="utf-8")), load_curves(folder / CURVES_FILE).keys()


def _parts(loaded: LoadedScorer, clip: PreparedClip, output: Generated, heard: str) -> dict[str, object]:
    return {
        "version": VERSION,
        "scorer": loaded.name,
        "fingerprint": loaded.fingerprint,
        "clip": clip.content_hash,
        "frames": output.frames_hash,
        "audio": heard if loaded.needs_audio else None,
    }


def _is_stored(store: Store, parts: dict[str, object]) -> bool:
    try:
        return store.find("score", parts) is not None
    except ClipError:
        return True


def _lasting(result: ClipScore | ClipError) -> ClipScore | ClipError:
    """`result`, unless it says nothing about the clip and must not be remembered. Raises `NotEnoughMemoryError`."""
    if isinstance(result, NotEnoughMemoryError):
        raise result
    return result


def _save(result: ClipScore | ClipError, folder: Path) -> None:
    if isinstance(result, ClipError):
        raise result
    bad = [column for column, value in result.values.items() if not np.isfinite(value)]
    if bad:
        raise ClipError(Status.METRIC_FAILED, f"not a finite number: {', '.join(bad)}")
    (folder / VALUES_FILE).write_text(json.dumps(dict(result.values)), encoding="utf-8")
    save_features(folder / FEATURES_FILE, result.features)
    save_curves(folder / CURVES_FILE, result.per_frame)


def _vanished(folder: Path) -> None:
    raise RuntimeError(f"a stored score disappeared during the run: {folder}")
