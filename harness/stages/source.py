"""Reads the footage of a clip, or says why it cannot be used: the rules of preparation and of `bench data verify`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME, Clip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.scene_cuts import SceneCuts
from bench_lipsync.harness.media import Damage, MediaInfo, VideoInfo, decode_audio, decode_video, probe
from bench_lipsync.harness.media.limits import MAX_CLIP_SECONDS, SHORTER
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.spans import span

MIN_FRAMES = 40
"""Shortest clip (1.6 s): SyncNet compares windows of 5 frames at shifts of up to 15 either way."""
SILENCE = 33
"""Audio whose largest sample is below this is digital silence: -60 dB of full scale."""
_SHORT_AUDIO = 0.5  # share of the video's length below which the audio's is noted
_NAMED_CUTS = 5


class Source:
    """The footage of a clip, at 25 fps and 16 kHz; `audio` and `notes` are known once `chunks` has been read."""

    def __init__(self, clip: Clip) -> None:
        """Open the file and decode its audio, before anything long is done.

        Raises:
            ClipError: `decode_error`, `no_audio` (no stream, or digital silence), `no_face` (a box outside of the
                picture), `too_long`.

        """
        self.clip, self.frames, self.size = clip, 0, (0, 0)
        self._damage, self._cuts = Damage(), SceneCuts()
        with span("decode", "sound"):
            self.info = probe(clip.video)
            if self.info.video is None:
                raise ClipError(Status.DECODE_ERROR, f"{shown(clip.video.name)}: no video stream")
            _require_box_inside(clip.box, self.info.video)
            _require_shorter(_stated_seconds(self.info, clip) or 0.0)
            latest = (clip.start or 0.0) + MAX_CLIP_SECONDS
            end = latest if clip.end is None else min(clip.end, latest)
            sound = clip.audio or clip.video
            self.samples = decode_audio(sound, start=clip.start, end=end, damage=self._damage)
        if len(self.samples):
            _require_audio(self.samples)

    def chunks(self) -> Iterator[NDArray[np.uint8]]:
        """All frames in chunks (n, H, W, 3) uint8 RGB of at most 64 MiB.

        Raises:
            ClipError: `decode_error`, `too_long`, `too_short`; the latter after the last frame.

        """
        clip = self.clip
        for chunk in decode_video(clip.video, start=clip.start, end=clip.end, chunk=8, damage=self._damage):
            self.frames += len(chunk)
            self.size = (chunk.shape[2], chunk.shape[1])
            for picture in chunk:
                self._cuts.push(picture)
            yield chunk
            _require_shorter(self.frames / FPS)
        if self.frames < MIN_FRAMES:
            reason = f"{self.frames} frames at {FPS} per second; at least {MIN_FRAMES} are needed"
            raise ClipError(Status.TOO_SHORT, reason)

    def audio(self) -> NDArray[np.int16]:
        """The samples cut, or padded with silence, to 640 for each frame. Raises `ClipError` (`no_audio`)."""
        if not len(self.samples):
            raise ClipError(Status.NO_AUDIO, "the audio has no samples in the clip's time")
        fitted = np.zeros(self.frames * SAMPLES_PER_FRAME, np.int16)
        fitted[: len(self.samples)] = self.samples[: len(fitted)]
        _require_audio(fitted)
        return fitted

    def notes(self) -> list[str]:
        """What whoever uses the clip should know although it can be used."""
        notes = self._damage.notes()
        heard, seen = len(self.samples) / SAMPLE_RATE, self.frames / FPS
        if heard < _SHORT_AUDIO * seen:
            notes.append(f"the audio has {heard:.2f} s, the video {seen:.2f} s")
        if self._cuts.cuts:
            times = ", ".join(f"{cut / FPS:.2f}" for cut in self._cuts.cuts[:_NAMED_CUTS])
            more = ", ..." if len(self._cuts.cuts) > _NAMED_CUTS else ""
            notes.append(f"the picture cuts to another shot at {times}{more} s: it may show several people")
        return notes


def peak(samples: NDArray[np.int16]) -> int:
    """The largest sample in either direction."""
    return max(int(samples.max(initial=0)), -int(samples.min(initial=0)))


def clip_seconds(clip: Clip) -> float | None:
    """Length of `clip` according to its container, without decoding; `None` if it is unknown."""
    try:
        return _stated_seconds(probe(clip.video), clip)
    except ClipError:
        return None


def _stated_seconds(info: MediaInfo, clip: Clip) -> float | None:
    total = info.video.seconds if info.video is not None and info.video.seconds is not None else info.seconds
    if total is None:
        return None
    return max(0.0, min(total, clip.end if clip.end is not None else total) - (clip.start or 0.0))


def _require_box_inside(box: tuple[int, int, int, int] | None, video: VideoInfo) -> None:
    if box is not None and (box[0] >= video.width or box[1] >= video.height):
        reason = f"the box {','.join(map(str, box))} lies outside of the picture of {video.width}x{video.height} pixels"
        raise ClipError(Status.NO_FACE, reason)


def _require_shorter(seconds: float) -> None:
    if seconds > MAX_CLIP_SECONDS:
        reason = f"{seconds:.0f} s; a clip may have at most {MAX_CLIP_SECONDS:.0f}: {SHORTER}"
        raise ClipError(Status.TOO_LONG, reason)


def _require_audio(samples: NDArray[np.int16]) -> None:
    if (largest := peak(samples)) < SILENCE:
        raise ClipError(Status.NO_AUDIO, f"digital silence: the largest sample is {largest} of 32768")
