"""`frames.parquet`: what was measured frame by frame, for the report and for anybody who looks closer.

One row per curve: `model, clip, metric, values`, with `values` a list of float32, one a frame; a frame without a value
is NaN, never a zero and never left out. Rows whose model is empty are about the clip itself (`CLIP_CURVES`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.clip import SAMPLES_PER_FRAME, PreparedClip

if TYPE_CHECKING:
    from harness.aggregate import ModelRun

CURVES_FILE = "frames.parquet"
YAW = "yaw"
PITCH = "pitch"
AUDIO_LOW = "audio-low"
AUDIO_HIGH = "audio-high"
CLIP_CURVES = (YAW, PITCH, AUDIO_LOW, AUDIO_HIGH)
"""Degrees of the head (`FaceTrack`), and the smallest and largest sample of the clip's own audio, -1 to 1."""


class Curve(NamedTuple):
    """One curve of one clip."""

    model: str
    """Empty for what is true of the clip itself."""
    clip: str
    metric: str
    """A metric's column, or one of `CLIP_CURVES`."""
    values: NDArray[np.float32]
    """(frames,), NaN where there is none."""


def write_curves(runs: Sequence[ModelRun], clips: Mapping[str, PreparedClip], folder: Path) -> Path:
    """Write `frames.parquet` into a run folder: every curve that the scorers gave, and those of the clips."""
    curves = [curve for clip in clips.values() for curve in _of_clip(clip)]
    for run in runs:
        for clip_id, scores in run.scores.items():
            curves += [Curve(run.name, clip_id, metric, values) for metric, values in scores.curves.items()]
    return write_table(curves, folder)


def write_table(curves: Sequence[Curve], folder: Path) -> Path:
    """Write `curves` as `frames.parquet`, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = {name: pa.array([getattr(curve, name) for curve in curves], pa.string()) for name in Curve._fields[:3]}
    values = pa.array([curve.values for curve in curves], pa.list_(pa.float32()))
    path = folder / CURVES_FILE
    scratch = path.with_name(f".{path.name}")
    pq.write_table(pa.table({**texts, "values": values}), scratch)
    scratch.replace(path)
    return path


def read_curves(folder: Path) -> Iterator[Curve]:
    """The curves of a run folder in the order of the file; none where it has no `frames.parquet`."""
    import pyarrow.parquet as pq

    path = folder / CURVES_FILE
    if not path.is_file():
        return
    table = pq.read_table(path, columns=list(Curve._fields))
    names = [table[name].to_pylist() for name in Curve._fields[:3]]
    for model, clip, metric, values in zip(*names, table["values"], strict=True):
        yield Curve(model, clip, metric, np.asarray(values.values.to_numpy(zero_copy_only=False), np.float32))


def _of_clip(clip: PreparedClip) -> list[Curve]:
    low, high = peaks(clip.audio())
    found = {YAW: clip.faces.yaw_degrees(), PITCH: clip.faces.pitch_degrees(), AUDIO_LOW: low, AUDIO_HIGH: high}
    return [Curve("", clip.id, name, values) for name, values in found.items()]


class Peaks(NamedTuple):
    """The outline of a waveform."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


def peaks(audio: NDArray[np.int16]) -> Peaks:
    """Smallest and largest sample of every whole frame, each (frames,) in -1 to 1."""
    frames = audio[: len(audio) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].reshape(-1, SAMPLES_PER_FRAME)
    scaled = frames.astype(np.float32) / 32768
    return Peaks(scaled.min(axis=1, initial=1.0), scaled.max(axis=1, initial=-1.0))
