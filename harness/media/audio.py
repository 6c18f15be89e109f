"""Any file's audio as 16 kHz mono samples, aligned with the timestamps of the video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.container import audio_stream, media_errors, open_media, seconds
from bench_lipsync.harness.media.damage import Damage
from bench_lipsync.harness.media.format import FPS, SAMPLE_RATE
from bench_lipsync.harness.media.frames import first_frame_time
from bench_lipsync.harness.media.limits import AUDIO_RATES, MAX_CHANNELS, MAX_SECONDS
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

JITTER_SECONDS = 1 / FPS
"""Timestamps that stray by no more than one video frame are rounding; beyond, silence is inserted or audio cut."""

_PREROLL = 2.0  # seconds decoded before `start`, so that the decoder has settled where the clip begins


def decode_audio(
    path: Path, *, start: float | None = None, end: float | None = None, damage: Damage | None = None
) -> NDArray[np.int16]:
    """Samples, int16 of shape (N,), mono at 16 kHz, of the first audio stream.

    Sample 0 lies at `start` seconds after the file's first video frame (after its first audio, where there is no
    video): audio that starts later is preceded by silence, earlier audio is cut, gaps become silence, and what a codec
    puts in front of the audio (AAC's priming) is dropped. The samples end with the audio or at `end`; the caller brings
    them to the video's length. Channels are averaged.
    `damage` receives what is damaged; without it, the log says so.

    Raises `ClipError`: `no_audio` without an audio stream, `decode_error` when it, or too much of it, does not decode.
    """
    pieces = list(iter_audio(path, start=start, end=end, damage=damage))
    return np.concatenate(pieces)[:, 0] if pieces else np.empty(0, np.int16)


def iter_audio(
    path: Path,
    *,
    start: float | None = None,
    end: float | None = None,
    rate: int = SAMPLE_RATE,
    channels: int = 1,
    damage: Damage | None = None,
) -> Iterator[NDArray[np.int16]]:
    """What `decode_audio` gives, in pieces (n, channels) int16 at `rate`; 1 or 2 channels, memory bounded."""
    begin = start or 0.0
    limit = None if end is None else max(0, round((end - begin) * rate))
    zero = first_frame_time(path)
    line = _Line(rate, channels, limit)
    found = damage or Damage()
    with open_media(path) as container, media_errors(path):
        run: _Run | None = None
        for frame in _frames(container, path, (zero or 0.0) + begin, found):
            time = seconds(frame.pts, frame.time_base)
            if zero is None:
                zero = time or 0.0
            if run is None or not run.continued_by(frame, time):
                if run is not None:
                    yield line.append(run.finish())
                run = _Run(frame, zero + begin if time is None else time, rate, channels)
                yield line.move_to(round((run.start - zero - begin) * rate))
            yield line.append(run.add(frame))
            if line.full:
                break
        if run is not None:
            yield line.append(run.finish())
    found.require_little(path)
    if damage is None:
        found.log(path)


def _frames(container: InputContainer, path: Path, begin: float, damage: Damage) -> Iterator[AudioFrame]:
    stream = audio_stream(container)
    if stream is None:
        raise ClipError(Status.NO_AUDIO, f"{shown(path.name)}: no audio stream")
    _check_audio(path, stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels)
    has_begun = False
    for packet in container.demux(stream):
        time = seconds(packet.pts, packet.time_base)
        if time is not None and time < begin - _PREROLL:
            continue
        # Until a frame has come out, a packet may lack what was cut off before it; that is no damage of this file.
        counts = has_begun and packet.size > 0 and (time is None or time >= begin)
        try:
            frames = packet.decode()
        except FFmpegError:
            damage.take_audio(counts, bad=True)
            continue
        damage.take_audio(counts, bad=packet.is_corrupt or any(frame.is_corrupt for frame in frames))
        for frame in frames:
            has_begun = True
            _check_audio(path, frame.sample_rate, frame.layout.nb_channels)
            yield frame


def _check_audio(path: Path, rate: int, channels: int) -> None:
    """Headers may claim any rate, and a stream may change it on the way; 0 is one that is not known yet."""
    lowest, highest = AUDIO_RATES
    if rate and not lowest <= rate <= highest:
        reason = f"audio of {rate} samples a second; {lowest} to {highest} are read: resample it"
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: {reason}")
    if channels > MAX_CHANNELS:
        reason = f"audio of {channels} channels; at most {MAX_CHANNELS} are read: mix it down"
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: {reason}")


class _Run:
    """Frames that follow each other without a gap, resampled in one go so that no seam is heard."""

    def __init__(self, frame: AudioFrame, start: float, rate: int, channels: int) -> None:
        self.start = start
        self._kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        self._rate = frame.sample_rate
        self._samples = 0
        self._channels = channels
        self._resampler = AudioResampler(format="s16", layout="mono" if channels == 1 else "stereo", rate=rate)

    def continued_by(self, frame: AudioFrame, time: float | None) -> bool:
        if (frame.format.name, frame.layout.name, frame.sample_rate) != self._kind:
            return False
        return time is None or abs(time - self.start - self._samples / self._rate) <= JITTER_SECONDS

    def add(self, frame: AudioFrame) -> NDArray[np.int16]:
        self._samples += frame.samples
        return self._resample(frame)

    def finish(self) -> NDArray[np.int16]:
        return self._resample(None)

    def _resample(self, frame: AudioFrame | None) -> NDArray[np.int16]:
        if frame is not None:
            frame.pts = None  # placing is done here; the resampler would put in silence of its own
        pieces = [piece.to_ndarray().reshape(-1, self._channels) for piece in self._resampler.resample(frame)]
        return (
            np.concatenate(pieces).astype(np.int16, copy=False) if pieces else np.empty((0, self._channels), np.int16)
        )


class _Line:
    """Samples laid out from 0 on; what falls before 0, onto audio already there or behind `limit` is dropped."""

    def __init__(self, rate: int, channels: int, limit: int | None) -> None:
        self._limit = int(MAX_SECONDS * rate) if limit is None else limit
        self._channels = channels
        self._length = 0
        self._skip = 0

    @property
    def full(self) -> bool:
        return self._length >= self._limit

    def move_to(self, position: int) -> NDArray[np.int16]:
        """The silence up to `position`."""
        self._skip = max(0, self._length - position)
        missing = max(0, min(position, self._limit) - self._length)
        return self._push(np.zeros((missing, self._channels), np.int16))

    def append(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """What of `samples` (n, channels) belongs to the line."""
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        return self._push(samples[skipped:])

    def _push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        samples = samples[: self._limit - self._length]
        self._length += len(samples)
        return samples
