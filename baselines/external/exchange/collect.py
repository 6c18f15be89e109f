"""Reads a program's result as the frames of its clip, or explains why it may not be scored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.exchange.calibration import Calibration
from bench_lipsync.baselines.external.exchange.face_regions import MOUTH, placement_by_face
from bench_lipsync.baselines.external.exchange.geometry import Placement
from bench_lipsync.baselines.external.exchange.result_checks import check_result, decoding, result_files
from bench_lipsync.baselines.external.exchange.staging import Staged
from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import Damage, decode_video

VERSION = "collect-v1"
"""Changes whenever the same results may give other frames (geometry and calibration included)."""
MAX_HIDDEN_SHARE = 0.1
"""Share of the frames in which the model's output may cut through the lips."""


class Collected:
    """The result of one run. `notes` is complete once `frames` has been read to its end."""

    def __init__(self, description: Description, clip: PreparedClip, staged: Staged, folder: Path) -> None:
        """Find and check the result below `folder`. Raises `ClipError` (`bad_output`)."""
        self._output, self._clip, self._staged = description.output, clip, staged
        self._files = result_files(description.output, staged, folder)
        self._is_compared = description.facts.pose == "target"
        self._fill: NDArray[np.uint8] | None = None
        self._calibration = Calibration(clip) if description.facts.keeps_upper_half else None
        self._damage = Damage()
        self.notes: list[str] = check_result(self._files[0], description.output, clip, staged)
        self._placement: Placement | None = None if description.output.placed == "by-face" else staged.placement

    @property
    def coverage(self) -> float:
        """Share of the canonical crop that the program's output covers; the rest is filled with one colour.

        Known once the first chunk of frames has been read.
        """
        return self._placement.coverage() if self._placement else 0.0

    def frames(self, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """The result in the canonical crop.

        The first frame is repeated before the output's offset, and the last one for up to `lost` missing frames at the
        end; both are noted.

        Yields:
            Chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all.

        Raises:
            ClipError: `bad_output`: too few or too many frames, a size that changes, frames that are early or late.
        """
        total, offset = self._clip.frames, self._output.offset
        position = offset
        last: NDArray[np.uint8] | None = None
        for outputs in self._outputs(chunk):
            early = min(max(0, -position), len(outputs))  # Before the clip's first frame.
            position += early
            kept = outputs[early : early + max(0, total - position)]
            if len(kept):
                crops = self._crops(kept, position)
                if last is None and offset > 0:
                    yield np.repeat(crops[:1], offset, axis=0)
                last = crops[-1:]
                if self._calibration:
                    self._calibration.update(crops, position)
                yield crops
            position += len(outputs) - early
            if position > total + self._output.extra:
                raise self._refusal(f"more than {position - offset - 1}")
        if last is None or position < total - self._output.lost:
            raise self._refusal(str(max(0, position - offset)))
        if position < total:
            yield np.repeat(last, total - position, axis=0)
        self._note_length(position)
        self.notes += self._damage.notes()
        self._check_lips()
        if self.coverage < 0.995:
            self.notes.append(f"the model's output covers {self.coverage:.0%} of the crop; the rest has one colour")
        if self._calibration:
            self.notes += self._calibration.finish()

    def _check_lips(self) -> None:
        """Refuse output that does not show the lips although they are compared with the ground truth."""
        if not self._is_compared or self._placement is None or self._placement.inward is None:
            return
        lips = self._clip.faces.landmarks[:, list(MOUTH), :2]
        hidden = sum(not self._placement.covers(points, frame) for frame, points in enumerate(lips))
        if hidden > MAX_HIDDEN_SHARE * self._clip.frames:
            reason = f"the model's output cuts through the lips in {hidden} of {self._clip.frames} frames"
            raise ClipError(Status.BAD_OUTPUT, f"{reason}; see alignment in the description")

    def _note_length(self, end: int) -> None:
        total, offset = self._clip.frames, self._output.offset
        if offset > 0:
            self.notes.append(f"the first {offset} of {total} frames are not made; the first made one is held")
        if end < total:
            self.notes.append(f"{total - end} of {total} frames missing at the end; the last one is held")
        elif end > total:
            self.notes.append(f"{end - total} frames more than the clip's {total}; left out")

    def _outputs(self, chunk: int) -> Iterator[NDArray[np.uint8]]:
        """The program's full frames at 25 fps."""
        with decoding():
            if self._output.kind == "video":
                # Other rates: the frame nearest in time.
                yield from decode_video(self._files[0], chunk=chunk, damage=self._damage)
                return
            for start in range(0, len(self._files), chunk):
                images = [_image(path) for path in self._files[start : start + chunk]]
                if len({image.shape for image in images}) > 1:
                    raise ClipError(Status.BAD_OUTPUT, f"the images beside {self._files[0].name} differ in size")
                yield np.stack(images)

    def _crops(self, outputs: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
        width = outputs.shape[2]
        left, right = (round(edge * width) for edge in self._output.panel)
        panel = outputs[:, :, left:right]
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


def _image(path: Path) -> NDArray[np.uint8]:
    """The picture (H, W, 3) of a file, which is read to its end, where damage is found."""
    pictures: list[NDArray[np.uint8]] = list(decode_video(path, chunk=1))
    return np.asarray(pictures[0][0], np.uint8)


def collect(description: Description, clip: PreparedClip, staged: Staged, folder: Path) -> Collected:
    """The result that lies below `folder` after the last step. Raises `ClipError` for what may not be scored."""
    return Collected(description, clip, staged, folder)
