"""Checks that the clips of a dataset can be used, before a long run."""

from __future__ import annotations

from dataclasses import dataclass

from bench_lipsync.harness.api.clip import FPS, Clip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.stages.source import Source, clip_seconds
from bench_lipsync.harness.util.sanitize import shown


@dataclass(frozen=True)
class ClipCheck:
    """Result of reading one clip."""

    clip: Clip
    status: Status
    reason: str = ""
    """Why it cannot be used; of one that can, what should be known about it."""
    seconds: float | None = None
    """Length of the video; what its container states if it cannot be used."""
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
    """Read every frame and audio sample of a clip by the rules of a run; faces are not looked for.

    Returns:
        `ok` with the notes that a run would make, or the status with which `prepare_clip` would refuse the clip:
        `decode_error`, `no_audio`, `no_face` (a box outside of the picture), `too_short` or `too_long`.

    """
    try:
        source = Source(clip)
        for _ in source.chunks():
            pass
        source.audio()
    except ClipError as error:
        return ClipCheck(clip, error.status, shown(error.reason, 400), clip_seconds(clip))
    return ClipCheck(clip, Status.OK, "; ".join(source.notes()), source.frames / FPS, *source.size)
