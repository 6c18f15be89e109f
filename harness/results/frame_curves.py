"""`frames.parquet`: all frame-by-frame measurements.

One row per curve: `model, clip, metric, values`, with `values` a list of float32, one a frame; a frame without a value
is NaN, never a zero and never left out. Rows whose model is empty are about the clip itself (`CLIP_CURVES`). The file
is written and read a part at a time, so that memory does not grow with the number of clips.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.scoring.score import ClipResult
from bench_lipsync.harness.scoring.score_files import load_curves
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import appearing

if TYPE_CHECKING:
    import pyarrow as pa

    from bench_lipsync.harness.results.model_run import ModelRun

CURVES_FILE = "frames.parquet"
YAW = "yaw"
PITCH = "pitch"
AUDIO_LOW = "audio-low"
AUDIO_HIGH = "audio-high"
CLIP_CURVES = (YAW, PITCH, AUDIO_LOW, AUDIO_HIGH)
"""Degrees of the head (`FaceTrack`), and the smallest and largest sample of the clip's own audio, -1 to 1."""
_PART_VALUES = 1 << 20
"""A part of the file ends with the curve that reaches this many values (4 MB), or this many curves: its content alone
decides, so the same curves give the same file."""
_PART_CURVES = 1 << 14


class Curve(NamedTuple):
    """One curve of one clip."""

    model: str
    """Empty for curves of the clip itself."""
    clip: str
    metric: str
    """A metric's column, or one of `CLIP_CURVES`."""
    values: NDArray[np.float32]
    """(frames,), NaN where there is none."""


def write_curves(runs: Sequence[ModelRun], clips: Mapping[str, PreparedClip], folder: Path, store: Store) -> Path:
    """Write `frames.parquet` into a run folder: the curves of the clips, then row by row those of the scorers."""
    return write_table(_all(runs, clips, store), folder)


def write_table(curves: Iterable[Curve], folder: Path) -> Path:
    """Write `curves` as `frames.parquet`, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / CURVES_FILE
    columns = [*((name, pa.string()) for name in Curve._fields[:3]), ("values", pa.list_(pa.float32()))]
    schema = pa.schema(columns)
    with appearing(path) as half, pq.ParquetWriter(half, schema) as writer:
        for part in _parts(curves):
            arrays = [pa.array([getattr(curve, name) for curve in part], kind) for name, kind in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return path


def read_curves(folder: Path, clips: Collection[str] | None = None) -> Iterator[Curve]:
    """The curves of a run folder in the order of the file, of some `clips` or all; none without `frames.parquet`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    path = folder / CURVES_FILE
    if not path.is_file():
        return
    wanted = None if clips is None else pa.array(sorted(clips), pa.string())
    with opened_table(path, Curve._fields) as file:
        for group in range(file.num_row_groups):
            if wanted is not None:
                shown = pc.is_in(file.read_row_group(group, columns=["clip"])["clip"], value_set=wanted)
                if not pc.any(shown).as_py():
                    continue
            table = file.read_row_group(group, columns=list(Curve._fields))
            yield from _rows(table if wanted is None else table.filter(shown))


def _rows(table: pa.Table) -> Iterator[Curve]:
    names = [table[name].to_pylist() for name in Curve._fields[:3]]
    for model, clip, metric, values in zip(*names, table["values"], strict=True):
        yield Curve(model, clip, metric, np.array(values.values.to_numpy(zero_copy_only=False), np.float32))


def _parts(curves: Iterable[Curve]) -> Iterator[list[Curve]]:
    part: list[Curve] = []
    values = 0
    for curve in curves:
        part.append(curve)
        values += len(curve.values)
        if values >= _PART_VALUES or len(part) >= _PART_CURVES:
            yield part
            part, values = [], 0
    if part:
        yield part


def _all(runs: Sequence[ModelRun], clips: Mapping[str, PreparedClip], store: Store) -> Iterator[Curve]:
    for clip in clips.values():
        yield from _of_clip(clip)
    for run in runs:
        for clip_id, scores in run.scores.items():
            yield from _of_scores(run.name, clip_id, scores, store)


def _of_scores(model: str, clip: str, scores: ClipResult, store: Store) -> Iterator[Curve]:
    read: dict[str, Mapping[str, NDArray[np.float32]]] = {}
    for metric, ref in scores.curves.items():
        if ref not in read:
            read[ref] = load_curves(store.file(ref))
        yield Curve(model, clip, metric, read[ref][metric])


def _of_clip(clip: PreparedClip) -> list[Curve]:
    from bench_lipsync.harness.faces.track import load_pose, pitch_degrees, yaw_degrees

    low, high = peaks(clip.audio())
    pose = load_pose(clip.directory / "faces.npz")  # `clip.faces` would stay in memory, a megabyte a clip.
    curves = {YAW: yaw_degrees(pose), PITCH: pitch_degrees(pose), AUDIO_LOW: low, AUDIO_HIGH: high}
    return [Curve("", clip.id, name, values) for name, values in curves.items()]


class Peaks(NamedTuple):
    """The outline of a waveform."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


def peaks(audio: NDArray[np.int16]) -> Peaks:
    """Smallest and largest sample of every whole frame, each (frames,) in -1 to 1."""
    frames = audio[: len(audio) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME].reshape(-1, SAMPLES_PER_FRAME)
    scaled = frames.astype(np.float32) / 32768
    return Peaks(scaled.min(axis=1, initial=1.0), scaled.max(axis=1, initial=-1.0))
