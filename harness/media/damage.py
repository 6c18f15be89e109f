"""Which frames of a video are damaged: those that depend on data that does not decode.

FFmpeg hides damage. It patches a broken block with what lies beside it, and every frame that is predicted from there on
carries the patch along, up to the next key frame. What it does report is used here: a packet that it refuses, a frame
that it has patched, a packet in which the container misses bytes, and an HEVC picture that never comes out. Decoders
without checks of their own (VP8, VP9, AV1, Motion JPEG, FFV1, mostly HEVC) take flipped bits for a picture: those are
not found.
"""

from __future__ import annotations

import logging
import math
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.format import FPS
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)
MAX_DAMAGED_SHARE = 0.1
"""Share of a clip's frames that may be damaged; more is a `decode_error`."""
MAX_BAD_AUDIO_SHARE = 0.05
"""Share of its audio packets that may be broken (each becomes silence); more is a `decode_error`."""
_MAX_BAD_AUDIO = 2  # packets of audio that may be broken whatever the length

_SKIPS_SILENTLY = frozenset({"hevc"})
"""Decoders that leave out a picture without an error; all others refuse the packet, or do not leave out any."""


class Damage:
    """The damage of one clip, filled while it is decoded."""

    def __init__(self) -> None:
        self.audio_packets = self.bad_audio_packets = 0
        self._begin, self._end = 0.0, math.inf
        self.restart()

    def set_span(self, begin: float, end: float | None) -> None:
        """The clip reaches from `begin` to `end` seconds of the video."""
        self._begin, self._end = begin, math.inf if end is None else end

    def restart(self) -> None:
        """Forget the video: it is decoded again from elsewhere."""
        self._number = -1  # of the last packet, in the order of decoding
        self._keys = array("q")  # numbers of the packets that begin a group of pictures
        self._key_times = array("d")
        self._first_broken: dict[int, int] = {}  # number by group
        self._lost = array("d")  # times of pictures that are missing
        self._awaited: dict[int, float] = {}
        self._last_time = math.inf  # of the last picture that came out; none is missing before the first
        self._shown = array("q")
        self._shown_times = array("d")
        self._missing = 0  # pictures after the last one

    @property
    def is_found(self) -> bool:
        """Whether anything of the video that was decoded so far is broken."""
        return bool(self._first_broken)

    def take_packet(self, packet: Packet[VideoStream], time: float | None) -> None:
        """`packet`, whose picture is shown at `time`, is decoded next; its number is the `opaque` of its frame."""
        self._number += 1
        packet.opaque = self._number
        if packet.is_keyframe or not self._keys:
            self._keys.append(self._number)
            self._key_times.append(-math.inf if time is None else time)
        if packet.is_corrupt:
            self._break(self._number)
        if time is not None and packet.stream.codec_context.name in _SKIPS_SILENTLY:
            self._awaited[self._number] = time

    def refuse_packet(self, time: float | None) -> None:
        """The last packet does not decode."""
        self._lose(self._number, time)
        self._awaited.pop(self._number, None)

    def take_frame(self, frame: VideoFrame, time: float) -> None:
        """A decoded frame; they come in the order in which they are shown."""
        number = self._number_of(frame)
        self._awaited.pop(number, None)
        if frame.is_corrupt:
            self._break(number)
        for earlier in [one for one, due in self._awaited.items() if due < time]:
            due = self._awaited.pop(earlier)
            if due > self._last_time:
                self._lose(earlier, due)
        self._last_time = time

    def finish(self) -> None:
        """The file is at its end."""
        for number, due in self._awaited.items():
            self._lose(number, due)
        self._missing = sum(self._last_time < time < self._end for time in self._lost)

    def show(self, frame: VideoFrame, time: float) -> None:
        """`frame`, of `time`, is the clip's next one at 25 per second."""
        self._shown.append(self._number_of(frame))
        self._shown_times.append(time)

    def take_audio(self, counts: bool, *, bad: bool) -> None:
        """A packet of audio, which counts if it belongs to the clip."""
        self.audio_packets += counts
        self.bad_audio_packets += counts and bad

    def damaged_frames(self) -> list[int]:
        """Numbers of the clip's frames that are damaged, predicted from damaged ones, or lost."""
        if not self.is_found:
            return []
        lost = sorted(self._lost)
        pairs = enumerate(zip(self._shown, self._shown_times, strict=True))
        damaged = [
            index
            for index, (number, time) in pairs
            if self._depends(number, time) or _nearer(lost, self._begin + index / FPS, time)
        ]
        return [*damaged, *range(len(self._shown), self._total)]

    def notes(self) -> list[str]:
        """What is damaged, for a person; empty for an intact clip."""
        notes, damaged = [], self.damaged_frames()
        if damaged:
            count = f"{len(damaged)} of {self._total} frames"
            notes.append(f"{count} are damaged or depend on damaged ones, the first at {damaged[0] / FPS:.2f} s")
        if self.bad_audio_packets:
            notes.append(f"{self.bad_audio_packets} of {self.audio_packets} audio packets are damaged")
        return notes

    def require_little(self, path: Path) -> None:
        """Raise `ClipError` (`decode_error`) if too much of what was decoded is damaged."""
        video = len(self.damaged_frames()) > MAX_DAMAGED_SHARE * self._total
        audio = self.bad_audio_packets > max(_MAX_BAD_AUDIO, MAX_BAD_AUDIO_SHARE * self.audio_packets)
        if video or audio:
            reason = "; ".join(self.notes())
            raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: {reason}; replace it by an undamaged copy")

    def log(self, path: Path) -> None:
        """Warn of what is damaged, where nobody else will say it."""
        for note in self.notes():
            logger.warning("%s: %s", shown(path.name), note)

    @property
    def _total(self) -> int:
        return len(self._shown) + self._missing

    def _number_of(self, frame: VideoFrame) -> int:
        return frame.opaque if isinstance(frame.opaque, int) else self._number

    def _break(self, number: int) -> None:
        group = bisect_right(self._keys, number) - 1
        self._first_broken[group] = min(number, self._first_broken.get(group, number))

    def _lose(self, number: int, time: float | None) -> None:
        self._break(number)
        if time is not None:
            self._lost.append(time)

    def _depends(self, number: int, time: float) -> bool:
        """Whether the frame comes from a broken packet or from a later one of its group, in the order of decoding."""
        group = bisect_right(self._keys, number) - 1
        if self._first_broken.get(group, number + 1) <= number:
            return True
        # Pictures that are shown before their group's key frame are predicted from the group before it, too.
        return group - 1 in self._first_broken and time < self._key_times[group]


def _nearer(lost: list[float], wanted: float, actual: float) -> bool:
    """Whether one of the `lost` times is nearer to the `wanted` time than the `actual` one."""
    index = bisect_left(lost, wanted)
    return any(abs(time - wanted) < abs(actual - wanted) for time in lost[max(0, index - 1) : index + 1])
