"""Checks that the clips of a dataset can be decoded completely, before a long run."""

from __future__ import annotations

from dataclasses import dataclass

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, Clip
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.errors import ClipError, Status


@dataclass(frozen=True)
class ClipCheck:
    """Result of decoding one clip."""

    clip: Clip
    status: Status
    reason: str = ""
    seconds: float | None = None
    """Length of the video, where it decodes."""
    width: int | None = None
    height: int | None = None

    def row(self) -> dict[str, str | float | int | None]:
        """Values by column name, ready for JSON."""
        return {
            "id": self.clip.id,
            "identity": self.clip.identity,
            "status": str(self.status),
            "reason": self.reason,
            "seconds": self.seconds,
            "width": self.width,
            "height": self.height,
        }


def verify_clip(clip: Clip) -> ClipCheck:
    """Decode every frame and audio sample of a clip; faces are not detected.

    Returns:
        `ok`, `decode_error`, or `no_audio` (no audio stream, or one without samples). Silence is `ok`: whether it
        matters is up to the metrics.
    """
    from bench_lipsync.harness.media import decode_audio, decode_video

    frames, shape = 0, None
    try:
        for chunk in decode_video(clip.video, start=clip.start, end=clip.end):
            frames += len(chunk)
            shape = chunk.shape[1:3]
        if shape is None:
            raise ClipError(Status.DECODE_ERROR, f"{clip.video.name}: no frame between start and end")
        samples = decode_audio(clip.audio or clip.video, start=clip.start, end=clip.end)
        if len(samples) == 0:
            raise ClipError(Status.NO_AUDIO, f"{(clip.audio or clip.video).name}: no audio")
    except ClipError as error:
        seconds = frames / FPS if shape else None
        return ClipCheck(clip, error.status, shown(error.reason), seconds, *(shape[::-1] if shape else (None, None)))
    reason = ""
    if len(samples) / SAMPLE_RATE < 0.5 * frames / FPS:
        reason = f"the audio has {len(samples) / SAMPLE_RATE:.2f} s, the video {frames / FPS:.2f} s"
    return ClipCheck(clip, Status.OK, reason, frames / FPS, *shape[::-1])


def clip_seconds(clip: Clip) -> float | None:
    """Length of `clip` according to its container, without decoding; `None` if it is unknown."""
    from bench_lipsync.harness.media import probe

    try:
        info = probe(clip.video)
    except ClipError:
        return None
    total = info.video.seconds if info.video is not None and info.video.seconds is not None else info.seconds
    if total is None:
        return None
    return max(0.0, min(total, clip.end if clip.end is not None else total) - (clip.start or 0.0))
