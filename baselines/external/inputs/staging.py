"""What a program is given: every input of its description, written below its private working directory.

Names come from the description alone. What already lies where the result is expected is removed first, so that nothing
old can be taken for new; the working directory is a private copy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Description, Input, fill
from bench_lipsync.baselines.external.inputs.masks import lower_faces
from bench_lipsync.baselines.external.inputs.points import IBUG68
from bench_lipsync.baselines.external.outputs.results import remove_results
from bench_lipsync.baselines.external.placement.alignment import place
from bench_lipsync.baselines.external.placement.geometry import Placement
from bench_lipsync.harness.api.clip import FPS, PreparedClip

VERSION = "staging-v1"
"""Changes whenever the same clip may give other inputs."""
OUT = "benchout"
"""The folder of `{out}`."""
_CHUNK = 32


@dataclass(frozen=True)
class Staged:
    """What `stage` wrote, and what `collect` must know of it."""

    values: dict[str, str]
    """What the placeholders of commands stand for: paths relative to the working directory, with forward slashes."""
    placement: Placement
    began: float
    """When the program could first begin, in seconds of the system's clock; results are not older."""


def stage(
    description: Description, clip: PreparedClip, audio: NDArray[np.int16], folder: Path, seed: int = 0
) -> Staged:
    """Write the inputs of `description` for `clip`, driven by `audio` (frames * 640,) int16, below `folder`.

    Raises `ValueError` where a folder on the way is a link: nothing is ever written outside `folder`.
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
            _write_video(item, path, _given(clip, placement), audio)
        elif item.kind == "image":
            _write_picture(path, next(_given(clip, placement, stop=1))[0])
        elif item.kind == "frames":
            _write_frames(item, path, _given(clip, placement))
        elif item.kind == "masks":
            _write_frames(item, path, lower_faces(clip, placement))
        elif item.kind == "openface-csv":
            _write_openface(path, clip, placement)
        else:
            path.write_text(fill(item.content, values), encoding="utf-8", newline="\n")
    return Staged(values, placement, time.time())


def _below(folder: Path, name: str) -> Path:
    """`folder / name` with its folders made; what lies there is removed, and no link is followed."""
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


def _given(clip: PreparedClip, placement: Placement, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Chunks of the clip's frames as the program is given them."""
    position = 0
    for chunk in clip.read_frames(stop=stop, chunk=_CHUNK):
        yield placement.give(chunk, position)
        position += len(chunk)


def _write_video(item: Input, path: Path, chunks: Iterator[NDArray[np.uint8]], audio: NDArray[np.int16]) -> None:
    from bench_lipsync.baselines.external.inputs.clip_video import write_clip

    write_clip(path, chunks, audio if item.with_audio else None, item.crf)


def _write_frames(item: Input, folder: Path, chunks: Iterator[NDArray[np.uint8]]) -> None:
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{item.path} in the working directory already holds files")
    number = item.first
    for chunk in chunks:
        for picture in chunk:
            _write_picture(folder / f"{number:0{item.digits}d}.{item.pictures}", picture)
            number += 1


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    import cv2

    # JPEG at its best and without halving the colours' resolution; PNG has no choice to make.
    options = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(path.suffix, picture[..., ::-1], options if path.suffix in (".jpg", ".jpeg") else [])
    if not done:
        raise ValueError(f"OpenCV cannot write {path.name}")
    path.write_bytes(data.tobytes())


def _write_openface(path: Path, clip: PreparedClip, placement: Placement) -> None:
    """68 landmarks a frame in the columns of OpenFace's FeatureExtraction, in pixels of the given picture."""
    points = placement.points(clip.faces.landmarks[:, list(IBUG68), :2])
    columns = ["frame", "face_id", "timestamp", "confidence", "success"]
    columns += [f"{axis}_{number}" for axis in "xy" for number in range(len(IBUG68))]
    lines = [",".join(columns)]
    for index, frame in enumerate(points):
        numbers = [f"{value:.2f}" for axis in (0, 1) for value in frame[:, axis]]
        lines.append(",".join([str(index + 1), "0", f"{index / FPS:.3f}", "0.98", "1", *numbers]))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
