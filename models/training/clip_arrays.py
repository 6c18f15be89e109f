"""Memory-mapped training arrays: what a trainer needs of every frame of all clips, one array on disk for each kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util import progress
from bench_lipsync.harness.util.files import write_text_atomically

Arrays = dict[str, NDArray[Any]]
"""Arrays by name, each with one entry a frame."""
_SPANS = "clips.json"


@dataclass(frozen=True)
class ClipSpan:
    """Where a clip lies in the flat arrays."""

    id: str
    identity: str
    start: int
    frames: int


class ArrayType(NamedTuple):
    """Type of an array and shape of its entries."""

    dtype: type[np.generic]
    shape: tuple[int, ...]


class ClipArrays(NamedTuple):
    """Arrays of all frames of all clips, one after the other."""

    clips: tuple[ClipSpan, ...]
    arrays: Arrays


def group_by_identity(clips: Sequence[ClipSpan]) -> tuple[tuple[ClipSpan, ...], ...]:
    """The clips of each identity, in order of name."""
    groups: dict[str, list[ClipSpan]] = {}
    for clip in clips:
        groups.setdefault(clip.identity, []).append(clip)
    return tuple(tuple(groups[name]) for name in sorted(groups))


def arrays_folder(cache: Path, clips: Sequence[PreparedClip], *parts: str) -> Path:
    """Folder of `cache` for the arrays of `clips`; `parts` name everything else that the arrays follow from."""
    key = "\n".join([*parts, *(clip.content_hash for clip in clips)])
    return cache / hashlib.sha256(key.encode()).hexdigest()[:16]


def load_clip_arrays(
    clips: Sequence[PreparedClip],
    folder: Path,
    types: Mapping[str, ArrayType],
    fill: Callable[[PreparedClip, Arrays], None],
    title: str,
) -> ClipArrays:
    """Map the arrays of `clips` from `folder`, which is filled on first use.

    Args:
        clips: Prepared clips.
        folder: Where the arrays lie, see `arrays_folder`.
        types: Type of each array by name.
        fill: Called with a clip and the parts of the arrays that are to be filled for it, each (frames, ...).
        title: Of the progress bar.

    Returns:
        Read-only arrays, mapped from disk.

    Raises:
        BenchError: If a clip holds fewer frames than it announces.

    """
    # The spans are written last: their presence says that the arrays are complete.
    if not (folder / _SPANS).is_file():
        _build(clips, folder, types, fill, title)
    spans = json.loads((folder / _SPANS).read_text(encoding="utf-8"))
    arrays: Arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in types}
    return ClipArrays(tuple(ClipSpan(**span) for span in spans), arrays)


def frame_chunks(clip: PreparedClip) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Frames (n, H, W, 3) of `clip` and where they lie in it. Raises `BenchError` if it announces another number."""
    done = 0
    for chunk in clip.read_frames(chunk=64):
        if done + len(chunk) <= clip.frames:
            yield slice(done, done + len(chunk)), chunk
        done += len(chunk)
    if done != clip.frames:
        raise BenchError(
            f"the files of {clip.id} hold {done} frames where {clip.frames} were announced; prepare it again"
        )


def _build(
    clips: Sequence[PreparedClip],
    folder: Path,
    types: Mapping[str, ArrayType],
    fill: Callable[[PreparedClip, Arrays], None],
    title: str,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(clip.frames for clip in clips)
    arrays = {
        name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind.dtype, shape=(total, *kind.shape))
        for name, kind in types.items()
    }
    spans, start = [], 0
    for clip in progress.each(title, clips):
        fill(clip, {name: array[start : start + clip.frames] for name, array in arrays.items()})
        spans.append(asdict(ClipSpan(clip.id, clip.identity, start, clip.frames)))
        start += clip.frames
    for array in arrays.values():
        array.flush()
    write_text_atomically(folder / _SPANS, json.dumps(spans))
