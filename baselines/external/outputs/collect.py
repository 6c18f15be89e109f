"""What a program left behind as the frames of its clip, or why it may not be scored.

Exit codes say little: what counts is that the result exists, was made by this run, decodes, and has the size, the rate,
the length and the sound that its description promises. Nothing is stretched to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.inputs.points import MOUTH
from bench_lipsync.baselines.external.inputs.staging import Staged
from bench_lipsync.baselines.external.outputs.calibration import Calibration
from bench_lipsync.baselines.external.outputs.result_checks import check_result, decoding, result_files
from bench_lipsync.baselines.external.placement.found_face import placement_by_face
from bench_lipsync.baselines.external.placement.geometry import Placement
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import decode_video

VERSION = "collect-v1"
"""Changes whenever the same results may give other frames (geometry and calibration included)."""
MAX_HIDDEN_SHARE = 0.1
"""Share of the frames in which the model's picture may end within the lips."""


class Collected:
    """The result of one run. `notes` is complete once `frames` has been read to its end."""

    def __init__(self, description: Description, clip: PreparedClip, staged: Staged, folder: Path) -> None:
        """Find and check the result below `folder`. Raises `ClipError` (`bad_output`, `decode_error`)."""
        self._output, self._clip, self._staged = description.output, clip, staged
        self._files = result_files(description.output, staged, folder)
        self._compared = description.facts.pose == "target"
        self._fill: NDArray[np.uint8] | None = None
        self._calibration = Calibration(clip) if description.facts.keeps_upper_half else None
        self.notes: list[str] = check_result(self._files[0], description.output, clip, staged)
        self._placement: Placement | None = None if description.output.placed == "by-face" else staged.placement

    @property
    def coverage(self) -> float:
        """Share of the canonical crop that the program's picture covers; the rest is filled with one colour.

        Known once the first chunk of frames has been read.
        """
        return self._placement.coverage() if self._placement else 0.0

    def frames(self, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """Chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all, in the canonical crop.

        Frames before the output's offset show its first one, `lost` missing ones at the end its last one; both are
        noted. Raises `ClipError` (`bad_output`): too few or too many, a size that changes, frames that come late.
        """
        total, offset = self._clip.frames, self._output.offset
        position = offset
        last: NDArray[np.uint8] | None = None
        for pictures in self._pictures(chunk):
            early = min(max(0, -position), len(pictures))  # shown before the clip begins
            position += early
            kept = pictures[early : early + max(0, total - position)]
            if len(kept):
                crops = self._crops(kept, position)
                if last is None and offset > 0:
                    yield from self._emit(np.repeat(crops[:1], offset, axis=0), 0, measured=False)
                last = crops[-1:]
                yield from self._emit(crops, position, measured=True)
            position += len(pictures) - early
            if position > total + self._output.extra:
                raise self._refusal(f"more than {position - offset - 1}")
        if last is None or position < total - self._output.lost:
            raise self._refusal(str(max(0, position - offset)))
        if position < total:
            yield np.repeat(last, total - position, axis=0)
        self._tell(position)
        self._check_lips()
        if self.coverage < 0.995:
            self.notes.append(f"the model's picture covers {self.coverage:.0%} of the crop; the rest has one colour")
        if self._calibration:
            self.notes += self._calibration.finish()

    def _emit(self, crops: NDArray[np.uint8], position: int, measured: bool) -> Iterator[NDArray[np.uint8]]:
        if self._calibration and measured:
            self._calibration.update(crops, position)
        yield crops

    def _check_lips(self) -> None:
        """Refuse a picture that does not show the lips where they are compared with the true ones."""
        if not self._compared or self._placement is None or self._placement.inward is None:
            return
        lips = self._clip.faces.landmarks[:, list(MOUTH), :2]
        hidden = sum(not self._placement.covers(points, frame) for frame, points in enumerate(lips))
        if hidden > MAX_HIDDEN_SHARE * self._clip.frames:
            reason = f"the model's picture does not reach over the lips in {hidden} of {self._clip.frames} frames"
            raise ClipError(Status.BAD_OUTPUT, f"{reason}; see alignment in the description")

    def _tell(self, end: int) -> None:
        total, offset = self._clip.frames, self._output.offset
        if offset > 0:
            self.notes.append(f"the first {offset} of {total} frames are not made; the first made one is held")
        if end < total:
            self.notes.append(f"{total - end} of {total} frames missing at the end; the last one is held")
        elif end > total:
            self.notes.append(f"{end - total} frames more than the clip's {total}; left out")

    def _pictures(self, chunk: int) -> Iterator[NDArray[np.uint8]]:
        """The program's whole pictures at 25 a second."""
        with decoding():
            if self._output.kind == "video":
                yield from decode_video(self._files[0], chunk=chunk)  # other rates: the picture nearest in time
                return
            for start in range(0, len(self._files), chunk):
                pictures = [next(decode_video(path, chunk=1))[0] for path in self._files[start : start + chunk]]
                if len({picture.shape for picture in pictures}) > 1:
                    raise ClipError(Status.BAD_OUTPUT, f"the pictures beside {self._files[0].name} differ in size")
                yield np.stack(pictures)

    def _crops(self, pictures: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
        wide = pictures.shape[2]
        left, right = (round(edge * wide) for edge in self._output.panel)
        panel = pictures[:, :, left:right]
        if self._fill is None:
            self._fill = np.median(panel[0].reshape(-1, 3), axis=0).astype(np.uint8)
        if self._placement is None:
            self._placement = placement_by_face(panel[0], self._clip)
        return self._placement.take_back(panel, position, self._fill)

    def _refusal(self, count: str) -> ClipError:
        first = f" from frame {self._output.offset} on" if self._output.offset else ""
        return ClipError(
            Status.BAD_OUTPUT,
            f"{self._files[0].name} has {count} frames at {FPS} per second{first}; expected {self._clip.frames} "
            f"(up to {self._output.lost} fewer or {self._output.extra} more)",
        )


def collect(description: Description, clip: PreparedClip, staged: Staged, folder: Path) -> Collected:
    """The result that lies below `folder` after the last step. Raises `ClipError` for what may not be scored."""
    return Collected(description, clip, staged, folder)
