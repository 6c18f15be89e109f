"""Scoring one model's output for one clip: frames are decoded once for all scorers whose result is not stored yet."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
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

logger = logging.getLogger("bench")
_REMEMBERED = frozenset({Status.METRIC_FAILED, Status.TOO_SHORT, Status.BAD_OUTPUT})


@dataclass
class Scores:
    """What all scorers found in one (model, clip) pair."""

    values: dict[str, float] = field(default_factory=dict)
    """Clip metrics by column."""
    features: Mapping[str, Path] = field(default_factory=dict)
    """Files with the features of set metrics, by column; read with `score_files.load_features`."""
    curves: Mapping[str, Path] = field(default_factory=dict)
    """Files with per-frame values, by column; read with `score_files.load_curves`."""
    failures: list[ClipError] = field(default_factory=list)


def score(
    scorers: Sequence[LoadedScorer], clip: PreparedClip, output: Generated, audio: NDArray[np.int16], store: Store
) -> Scores:
    """All values of `output` against `clip` and `audio`; a scorer that fails is reported, the others go on."""
    heard = audio_hash(audio)
    parts = {loaded.name: _parts(loaded, clip, output, heard) for loaded in scorers}
    with span("store"):
        todo = [loaded for loaded in scorers if not _is_stored(store, parts[loaded.name])]
    fresh = one_pass(todo, clip, output, audio) if todo else {}
    scores = Scores()
    with span("store"):
        for loaded in scorers:
            try:
                if loaded.name in fresh:
                    build = partial(_save, _lasting(fresh[loaded.name]))
                    folder = store.make("score", parts[loaded.name], build, remember=_REMEMBERED).path
                else:
                    folder = store.make("score", parts[loaded.name], _vanished).path
            except ClipError as error:
                scores.failures.append(ClipError(error.status, f"{loaded.name}: {error.reason}"))
                continue
            _collect(loaded, folder, scores)
    return scores


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


def _collect(loaded: LoadedScorer, folder: Path, scores: Scores) -> None:
    wanted = {info.column: info for info in loaded.wanted}
    values = json.loads((folder / VALUES_FILE).read_text(encoding="utf-8"))
    scores.values.update({column: value for column, value in values.items() if column in wanted})
    features, curves = folder / FEATURES_FILE, folder / CURVES_FILE
    sets = {column: features for column, info in wanted.items() if info.level == "set"}
    scores.features = {**scores.features, **sets}
    scores.curves = {**scores.curves, **{column: curves for column in load_curves(curves) if column in wanted}}
