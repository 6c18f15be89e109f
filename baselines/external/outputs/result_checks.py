"""Is what a program left behind what its description promises, and was it made by this run?

Exit codes say little: what counts is that the result exists, is new, decodes, and has the size, the rate and the sound
that it should have. Nothing is stretched to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_lipsync.baselines.external.description import Output, fill
from bench_lipsync.baselines.external.inputs.staging import Staged
from bench_lipsync.baselines.external.outputs.results import find_results
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import MediaInfo, probe
from bench_lipsync.harness.predictions.video import RATE_TOLERANCE, lossy_note

CLOCK_SLACK = 2.0
"""Seconds by which a file may look older than the run: some file systems round times."""


@contextmanager
def decoding() -> Iterator[None]:
    """A result that does not decode is the program's failure, not the footage's."""
    try:
        yield
    except ClipError as error:
        if error.status != Status.DECODE_ERROR:
            raise
        raise ClipError(Status.BAD_OUTPUT, f"the result does not decode: {error.reason}") from error


def result_files(output: Output, staged: Staged, folder: Path) -> list[Path]:
    """The one video, or the pictures of the one folder, that the program has made."""
    pattern = fill(output.files, staged.values)
    files = find_results(folder, pattern)
    if not files:
        raise ClipError(Status.BAD_OUTPUT, f"the program left nothing at {pattern}")
    places = {path.parent for path in files} if output.kind == "frames" else set(files)
    if len(places) > 1:
        both = " and ".join(sorted(path.relative_to(folder).as_posix() for path in places)[:2])
        raise ClipError(Status.BAD_OUTPUT, f"{len(places)} results at {pattern}, expected one: {both}")
    newest = max(path.stat().st_mtime for path in files)
    if newest < staged.began - CLOCK_SLACK:
        age = staged.began - newest
        raise ClipError(Status.BAD_OUTPUT, f"{files[0].name} is {age:.0f} s older than the run: another clip's result")
    if not all(path.stat().st_size for path in files):
        raise ClipError(Status.BAD_OUTPUT, f"{next(p for p in files if not p.stat().st_size).name} is empty")
    return files


def check_result(path: Path, output: Output, clip: PreparedClip, staged: Staged) -> list[str]:
    """Compare what the file says of itself with the description; notes for the reader."""
    with decoding():
        info = probe(path)
    video = info.video
    if video is None:
        raise ClipError(Status.BAD_OUTPUT, f"{path.name} has no video stream")
    _check_size((video.width, video.height), output, clip, staged)
    if output.kind == "frames":
        return lossy_note(video)
    if video.rate is not None and abs(video.rate - output.rate) > RATE_TOLERANCE:
        raise ClipError(Status.BAD_OUTPUT, f"{video.rate:.3f} frames per second, expected {output.rate:g}")
    _check_sound(info, output, path)
    resampled = output.rate != FPS
    note = f"{output.rate:g} frames per second brought to {FPS} by the nearest time stamp"
    return [*lossy_note(video), *([note] if resampled else [])]


def _check_size(found: tuple[int, int], output: Output, clip: PreparedClip, staged: Staged) -> None:
    left, right = output.panel
    given = staged.placement.given or clip.size
    expected = output.size or (round(given / (right - left)), given)
    if found != expected:
        raise ClipError(
            Status.BAD_OUTPUT, f"pictures are {found[0]}x{found[1]}, expected {expected[0]}x{expected[1]}; not resized"
        )


def _check_sound(info: MediaInfo, output: Output, path: Path) -> None:
    if output.audio and info.audio is None:
        raise ClipError(Status.BAD_OUTPUT, f"{path.name} has no sound; the program did not finish its last step")
