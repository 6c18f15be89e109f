"""Decoded frames of any video file with their times, and the limits on what a broken or hostile one may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from av.error import FFmpegError, InvalidDataError

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.container import media_errors, open_media, seconds, video_stream
from bench_lipsync.harness.media.damage import Damage
from bench_lipsync.harness.media.format import FPS
from bench_lipsync.harness.media.info import check_size, first_frame, frame_time
from bench_lipsync.harness.media.limits import MAX_GAP_SECONDS, MAX_SECONDS, SHORTER
from bench_lipsync.harness.media.resample_fps import Timed
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_MISSING_SHARE = 0.1
"""A file whose video ends by more than this share before its stated end is truncated."""

_SEEK_FROM = 10.0  # seconds; before that, decoding from the beginning is as fast and always exact
_SEEK_MARGIN = 3.0  # seconds; pictures just behind a seek point may refer to ones before it


def first_frame_time(path: Path) -> float | None:
    """Timestamp of the first video frame in seconds, `None` for a file without video."""
    with open_media(path) as container, media_errors(path):
        stream = video_stream(container)
        return None if stream is None else frame_time(first_frame(container, stream))


def timed_frames(path: Path, begin: float, damage: Damage | None = None) -> Iterator[Timed[VideoFrame]]:
    """Frames from at or before `begin` on, with times relative to the first frame of the file.

    Packets that do not decode are left out; `damage` learns of them, and of the frames that depend on them.
    """
    damage = damage or Damage()
    zero = first_frame_time(path)
    if zero is None:
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: no video stream")
    if begin > _SEEK_FROM:
        with open_media(path) as container:
            frames = _last_before(_decode(container, path, zero, damage, seek=begin - _SEEK_MARGIN), begin)
            first = next(frames, None)
            # Whether damage before the clip reaches into it cannot be told from a seek point.
            if first is not None and not damage.is_found:
                yield first
                yield from frames
                return
        damage.restart()
    # No seek requested, or the container has no usable index: everything from the beginning.
    with open_media(path) as container:
        yield from _decode(container, path, zero, damage, seek=None)


def _last_before(frames: Iterator[Timed[VideoFrame]], begin: float) -> Iterator[Timed[VideoFrame]]:
    """`frames` from the last one at or before `begin` on; none where the first one is later."""
    last: Timed[VideoFrame] | None = None
    for frame in frames:
        if frame.time > begin:
            if last is not None:
                yield last
                yield frame
                yield from frames
            return
        last = frame
    if last is not None:
        yield last


def _decode(
    container: InputContainer, path: Path, zero: float, damage: Damage, seek: float | None
) -> Iterator[Timed[VideoFrame]]:
    stream = video_stream(container)
    if stream is None:
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: no video stream")
    # H.264's decoder neither patches nor reports damage when it works on a picture with several threads.
    stream.codec_context.thread_count = 1
    stream.codec_context.copy_opaque = True
    if seek is not None:
        try:
            container.seek(int((zero + seek) * 1_000_000))
        except FFmpegError:
            return
    step = _frame_seconds(stream)
    size: tuple[int, int] | None = None
    time = None
    for packet in container.demux(stream):
        due = seconds(packet.pts, packet.time_base)
        due = None if due is None else due - zero
        damage.take_packet(packet, due)
        try:
            frames = packet.decode()
        except InvalidDataError:
            damage.refuse_packet(due)
            continue
        for frame in frames:
            size = _check_size(path, frame, size)
            previous, time = time, _time(frame, time, zero, step)
            damage.take_frame(frame, time)
            if previous is not None and time <= previous:
                time = previous  # two frames with one timestamp: the first one stays
                continue
            _check_time(path, previous, time)
            length = seconds(frame.duration, frame.time_base) or 0.0
            yield Timed(time, length if 0 < length <= MAX_GAP_SECONDS else step, frame)
    damage.finish()
    if time is None:
        return
    if seek is None:
        # What lies before the first key frame of a recording does not decode and is not missing.
        skipped = zero - (seconds(stream.start_time, stream.time_base) or zero)
        _check_whole(path, stream, skipped + time + step)


def _frame_seconds(stream: VideoStream) -> float:
    """How long a frame is shown, by the rate that the file states; a rate that cannot be is taken for 25."""
    rate = float(stream.average_rate or stream.guessed_rate or FPS)
    return 1 / rate if rate * MAX_GAP_SECONDS >= 1 else 1 / FPS


def _time(frame: VideoFrame, previous: float | None, zero: float, step: float) -> float:
    if frame.pts is None and frame.dts is None:
        return 0.0 if previous is None else previous + step
    return frame_time(frame) - zero


def _check_size(path: Path, frame: VideoFrame, size: tuple[int, int] | None) -> tuple[int, int]:
    actual = (frame.width, frame.height)
    check_size(path, *actual)
    if size is not None and size != actual:
        reason = f"the picture changes from {size[0]}x{size[1]} to {actual[0]}x{actual[1]}; encode it at one size"
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: {reason}")
    return actual


def _check_time(path: Path, previous: float | None, time: float) -> None:
    if time > MAX_SECONDS:
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: longer than {MAX_SECONDS:g} s; {SHORTER}")
    if previous is not None and time - previous > MAX_GAP_SECONDS:
        reason = f"{shown(path.name)}: no frame for {time - previous:.1f} s after {previous:.2f} s"
        raise ClipError(Status.DECODE_ERROR, reason)


def _check_whole(path: Path, stream: VideoStream, seen: float) -> None:
    stated = seconds(stream.duration, stream.time_base)
    if stated is not None and stated - seen > max(0.5, MAX_MISSING_SHARE * stated):
        reason = f"{shown(path.name)}: truncated, video ends at {seen:.2f} s of {stated:.2f} s"
        raise ClipError(Status.DECODE_ERROR, reason)
