"""Checks that a program's result matches its description and was made by this run.

Exit codes are unreliable. The result must exist, be new, decode, and have the described size, frame rate and audio;
it is never rescaled to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_lipsync.baselines.external.description import Output, fill
from bench_lipsync.baselines.external.exchange.results import find_results
from bench_lipsync.baselines.external.exchange.staging import Staged
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import probe
from bench_lipsync.harness.predictions.video import RATE_TOLERANCE, lossy_note

CLOCK_SLACK = 2.0
"""Seconds by which a file may appear older than the run: some file systems round times."""


@contextmanager
def decoding() -> Iterator[None]:
    """Turn `decode_error` into `bad_output`: a result that does not decode is the program's failure."""
    try:
        yield
    except ClipError as error:
        if error.status != Status.DECODE_ERROR:
            raise
        raise ClipError(Status.BAD_OUTPUT, f"the result does not decode: {error.reason}") from error


def result_files(output: Output, staged: Staged, folder: Path) -> list[Path]:
    """The video, or the images of one folder, that the program has made. Raises `ClipError` (`bad_output`)."""
    pattern = fill(output.files, staged.values)
    files = find_results(folder, pattern)
    if not files:
        raise ClipError(Status.BAD_OUTPUT, f"the program left nothing at {pattern}")
    results = {path.parent for path in files} if output.kind == "frames" else set(files)
    if len(results) > 1:
        both = " and ".join(sorted(path.relative_to(folder).as_posix() for path in results)[:2])
        raise ClipError(Status.BAD_OUTPUT, f"{len(results)} results at {pattern}, expected one: {both}")
    newest = max(path.stat().st_mtime for path in files)
    if newest < staged.start - CLOCK_SLACK:
        age = staged.start - newest
        raise ClipError(Status.BAD_OUTPUT, f"{files[0].name} is {age:.0f} s older than the run: another clip's result")
    for path in files:
        if not path.stat().st_size:
            raise ClipError(Status.BAD_OUTPUT, f"{path.name} is empty")
    return files


def check_result(path: Path, output: Output, clip: PreparedClip, staged: Staged) -> list[str]:
    """Compare a file's metadata with the description; returns notes. Raises `ClipError` (`bad_output`)."""
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
    if output.audio and info.audio is None:
        raise ClipError(Status.BAD_OUTPUT, f"{path.name} has no audio; the program did not finish its last step")
    resampled = output.rate != FPS
    note = f"{output.rate:g} frames per second brought to {FPS} by the nearest time stamp"
    return [*lossy_note(video), *([note] if resampled else [])]


def _check_size(size: tuple[int, int], output: Output, clip: PreparedClip, staged: Staged) -> None:
    left, right = output.panel
    side = staged.placement.given or clip.size
    expected = output.size or (round(side / (right - left)), side)
    if size != expected:
        raise ClipError(
            Status.BAD_OUTPUT, f"frames are {size[0]}x{size[1]}, expected {expected[0]}x{expected[1]}; not resized"
        )
