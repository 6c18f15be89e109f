"""What a model was tuned on, so that nothing of it is ever scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.store.store import Store


@dataclass(frozen=True)
class SeenFrames:
    """Frames of a prepared clip, and of the file that it was cut from as far as that is known."""

    content_hash: str
    start: int
    stop: int
    """Frames `start:stop` of the prepared clip."""
    video: str | None = None
    """sha256 of the video file."""
    video_start: float = 0.0
    video_stop: float = 0.0
    """Seconds `video_start` to `video_stop` of that file."""

    @property
    def seconds(self) -> float:
        """Length of the range."""
        return (self.stop - self.start) / FPS


def frames_of(clip: PreparedClip, start: int = 0, stop: int | None = None) -> SeenFrames:
    """Frames `start:stop` (default: all) of `clip`."""
    stop = clip.frames if stop is None else stop
    origin = Store.inputs(clip.directory)
    zero = float(origin.get("start") or 0.0)
    return SeenFrames(clip.content_hash, start, stop, origin.get("video"), zero + start / FPS, zero + stop / FPS)


def overlap(first: SeenFrames, second: SeenFrames) -> bool:
    """Whether two ranges share a frame, of the same prepared clip or of the same file.

    A copy that was encoded again has another hash and is not recognised.
    """
    same_clip = first.content_hash == second.content_hash
    if same_clip and max(first.start, second.start) < min(first.stop, second.stop):
        return True
    same_file = first.video is not None and first.video == second.video
    return same_file and max(first.video_start, second.video_start) < min(first.video_stop, second.video_stop)


def refuse_seen(seen: Iterable[SeenFrames], clip: PreparedClip) -> None:
    """Guard against scoring a model on its own adaptation footage.

    Args:
        seen: The frames that the model was adapted on.
        clip: The clip to be scored.

    Raises:
        ClipError: `seen`: the clip shares a frame with them.
    """
    for frames in seen:
        if overlap(frames, frames_of(clip)):
            raise ClipError(
                Status.SEEN,
                f"the weights were adapted on {frames.seconds:g} s of this very footage, which is never scored; "
                "adapt on other footage of the speaker, or use --mode adapted, which keeps the two apart",
            )
