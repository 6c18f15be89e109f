"""Writes the inputs of a description below the program's private working directory.

File names come from the description alone. Old results are removed first, so that they cannot be taken for new ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Description, Input, fill
from bench_lipsync.baselines.external.exchange.alignment import place
from bench_lipsync.baselines.external.exchange.face_regions import IBUG68, lower_face_masks
from bench_lipsync.baselines.external.exchange.geometry import Placement
from bench_lipsync.baselines.external.exchange.results import remove_results
from bench_lipsync.harness.api.clip import FPS, PreparedClip

VERSION = "staging-v1"
"""Changes whenever the same clip may give other inputs."""
OUT = "benchout"
"""The folder of `{out}`."""
_CHUNK = 32


@dataclass(frozen=True)
class Staged:
    """The inputs that `stage` wrote, as far as `collect` needs to know them."""

    values: dict[str, str]
    """Values of the placeholders in commands; paths are relative to the working directory, with forward slashes."""
    placement: Placement
    start: float
    """The earliest start of the program, in seconds of the system's clock; results are not older."""


def stage(
    description: Description, clip: PreparedClip, audio: NDArray[np.int16], folder: Path, seed: int = 0
) -> Staged:
    """Write the inputs of a description.

    Args:
        description: The model.
        clip: The clip whose frames it edits.
        audio: The driving audio, (frames * 640,) int16 at 16 kHz.
        folder: The working directory.
        seed: Value of `{seed}`.

    Raises:
        ValueError: A folder on the way to an input is a link; nothing is written outside `folder`.
    """
    from bench_lipsync.harness.media import write_wav

    values = {item.name: item.path for item in description.inputs}
    values.update(frames=str(clip.frames), seed=str(seed), out=OUT)
    for name in (OUT, *description.folders):
        _below(folder, f"{name}/x")
    for pattern in (*description.clear, fill(description.output.files, values)):
        remove_results(folder, pattern)
    placement = place(description.alignment, clip)
    for item in description.inputs:
        path = _below(folder, item.path)
        if item.kind == "audio":
            write_wav(path, audio)
        elif item.kind == "video":
            _write_video(item, path, _input_frames(clip, placement), audio)
        elif item.kind == "image":
            _write_image(path, next(_input_frames(clip, placement, stop=1))[0])
        elif item.kind == "frames":
            _write_frames(item, path, _input_frames(clip, placement))
        elif item.kind == "masks":
            _write_frames(item, path, lower_face_masks(clip, placement))
        elif item.kind == "openface-csv":
            _write_openface(path, clip, placement)
        else:
            path.write_text(fill(item.content, values), encoding="utf-8", newline="\n")
    return Staged(values, placement, time.time())


def _below(folder: Path, name: str) -> Path:
    """`folder / name` with its parents created; an old file there is removed, and no link is followed."""
    path = folder / name
    for parent in list(path.relative_to(folder).parents)[-2::-1]:
        if (folder / parent).is_symlink():
            raise ValueError(
                f"{parent.as_posix()} in the working directory is a link; inputs are not written through it"
            )
        (folder / parent).mkdir(exist_ok=True)
    if path.is_symlink() or path.is_file():
        path.unlink()
    return path


def _input_frames(clip: PreparedClip, placement: Placement, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Chunks of the clip's frames as the program expects them."""
    position = 0
    for chunk in clip.read_frames(stop=stop, chunk=_CHUNK):
        yield placement.give(chunk, position)
        position += len(chunk)


def _write_video(item: Input, path: Path, chunks: Iterator[NDArray[np.uint8]], audio: NDArray[np.int16]) -> None:
    from bench_lipsync.baselines.external.exchange.clip_video import write_clip

    write_clip(path, chunks, audio if item.with_audio else None, item.crf)


def _write_frames(item: Input, folder: Path, chunks: Iterator[NDArray[np.uint8]]) -> None:
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{item.path} in the working directory already holds files")
    number = item.first
    for chunk in chunks:
        for frame in chunk:
            _write_image(folder / f"{number:0{item.digits}d}.{item.pictures}", frame)
            number += 1


def _write_image(path: Path, frame: NDArray[np.uint8]) -> None:
    import cv2

    # JPEG at its highest quality, without chroma subsampling; PNG has no options.
    options = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    success, data = cv2.imencode(path.suffix, frame[..., ::-1], options if path.suffix in (".jpg", ".jpeg") else [])
    if not success:
        raise ValueError(f"OpenCV cannot write {path.name}")
    path.write_bytes(data.tobytes())


def _write_openface(path: Path, clip: PreparedClip, placement: Placement) -> None:
    """68 landmarks a frame in the columns of OpenFace's FeatureExtraction, in pixels of the input frame."""
    points = placement.points(clip.faces.landmarks[:, list(IBUG68), :2])
    columns = ["frame", "face_id", "timestamp", "confidence", "success"]
    columns += [f"{axis}_{number}" for axis in "xy" for number in range(len(IBUG68))]
    lines = [",".join(columns)]
    for index, frame in enumerate(points):
        numbers = [f"{value:.2f}" for axis in (0, 1) for value in frame[:, axis]]
        lines.append(",".join([str(index + 1), "0", f"{index / FPS:.3f}", "0.98", "1", *numbers]))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
