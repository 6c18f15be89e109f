"""Whether the clips of a dataset can be read from end to end, before a long run finds out."""

from __future__ import annotations

from dataclasses import dataclass

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, Clip
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.errors import ClipError, Status


@dataclass(frozen=True)
class Verdict:
    """What reading one clip gave."""

    clip: Clip
    status: Status
    reason: str = ""
    seconds: float | None = None
    """Length of the picture, where it decodes."""
    width: int | None = None
    height: int | None = None

    def row(self) -> dict[str, str | float | int | None]:
        """Column name -> value, ready for JSON."""
        return {
            "id": self.clip.id,
            "identity": self.clip.identity,
            "status": str(self.status),
            "reason": self.reason,
            "seconds": self.seconds,
            "width": self.width,
            "height": self.height,
        }


def verify_clip(clip: Clip) -> Verdict:
    """Decode every frame and sample of `clip`. Faces are not looked for.

    `ok`, `decode_error`, or `no_audio` (no audio stream, or one without samples). Silence is sound here: only
    scoring can tell whether it matters.
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
            raise ClipError(Status.NO_AUDIO, f"{(clip.audio or clip.video).name}: no sound")
    except ClipError as error:
        seconds = frames / FPS if shape else None
        return Verdict(clip, error.status, shown(error.reason), seconds, *(shape[::-1] if shape else (None, None)))
    reason = ""
    if len(samples) / SAMPLE_RATE < 0.5 * frames / FPS:
        reason = f"the sound has {len(samples) / SAMPLE_RATE:.2f} s, the picture {frames / FPS:.2f} s"
    return Verdict(clip, Status.OK, reason, frames / FPS, *shape[::-1])


def clip_seconds(clip: Clip) -> float | None:
    """Length of `clip` as its file states it, without decoding; `None` where the file does not say or is broken."""
    from bench_lipsync.harness.media import probe

    try:
        info = probe(clip.video)
    except ClipError:
        return None
    total = info.video.seconds if info.video is not None and info.video.seconds is not None else info.seconds
    if total is None:
        return None
    return max(0.0, min(total, clip.end if clip.end is not None else total) - (clip.start or 0.0))
