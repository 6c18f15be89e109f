"""Per-frame strips of a clip: every model's curves, the head's yaw and the audio, packed small for the page.

A curve travels as one byte a frame between the smallest and the largest value of its strip (255 is a gap), which is
finer than a strip is high; numbers that matter are in the table and in `frames.parquet`.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.results.frame_curves import AUDIO_HIGH, AUDIO_LOW, YAW, read_curves
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Column, Row

GAP = 255
POSES = ((15.0, "frontal"), (40.0, "turned"), (float("inf"), "profile"))
"""Names of poses by the largest median |yaw| in degrees that they reach to."""

Curves = Mapping[str, NDArray[np.float32]]
"""By metric."""


class RunCurves(NamedTuple):
    """The curves of one run."""

    models: Mapping[tuple[str, str], Curves]
    """By (model, clip); the clip's own have an empty model."""

    def of(self, model: str, clip: str) -> Curves:
        """Curves of one model on one clip, none where the run holds none."""
        return self.models.get((model, clip), {})


def load_curves(run: Run, clips: Collection[str]) -> RunCurves:
    """What `frames.parquet` of a run has about `clips`; empty where there is none."""
    curves: dict[tuple[str, str], dict[str, NDArray[np.float32]]] = {}
    if run.folder is not None:
        for curve in read_curves(run.folder, clips):
            curves.setdefault((curve.model, curve.clip), {})[curve.metric] = curve.values
    return RunCurves(curves)


def pose_of(clip: Curves) -> str:
    """`frontal`, `turned` or `profile`; empty where the yaw is unknown."""
    yaw = clip.get(YAW)
    if yaw is None or not np.isfinite(yaw).any():
        return ""
    median = float(np.nanmedian(np.abs(yaw)))
    return next(name for limit, name in POSES if median < limit)


def strips(clip: Curves, rows: Sequence[tuple[Row, Curves]], columns: Sequence[Column]) -> dict[str, Any]:
    """Data for the page's script: curves by metric, the yaw and the audio; `None` where unknown."""
    metrics = [packed for column in columns if (packed := _metric(column, rows)) is not None]
    yaw = _packed({"0": clip[YAW]}) if YAW in clip else None
    audio = _packed({"low": clip[AUDIO_LOW], "high": clip[AUDIO_HIGH]}) if AUDIO_LOW in clip else None
    return {"metrics": metrics, "yaw": yaw, "sound": audio}


def _metric(column: Column, rows: Sequence[tuple[Row, Curves]]) -> dict[str, Any] | None:
    lines = {str(place): curves[column.key] for place, (_, curves) in enumerate(rows) if column.key in curves}
    packed = _packed(lines)
    if packed is None:
        return None
    return {"name": column.name, "detail": column.detail, "decimals": max(2, column.decimals), **packed}


def _packed(lines: Mapping[str, NDArray[np.float32]]) -> dict[str, Any] | None:
    finite = [line[np.isfinite(line)] for line in lines.values()]
    if not any(len(line) for line in finite):
        return None
    low = min(float(line.min()) for line in finite if len(line))
    high = max(float(line.max()) for line in finite if len(line))
    span = high - low or 1.0
    return {"low": low, "high": high, "lines": {key: _bytes((line - low) / span) for key, line in lines.items()}}


def _bytes(line: NDArray[np.float32]) -> str:
    known = np.isfinite(line)
    levels = np.where(known, np.round(np.where(known, line, 0) * (GAP - 1)), GAP).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")
