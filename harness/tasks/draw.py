"""Draws the clips of a task, and the audio that drives them, by rules without chance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from bench_lipsync.harness.api.clip import AudioSource, Clip, DrivenClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.tasks.task import Draw
from bench_lipsync.harness.util.sanitize import safe_id


def cut(clip: Clip, seconds: float | None) -> Clip:
    """The first `seconds` of a clip; all of it for `None`."""
    if seconds is None:
        return clip
    end = (clip.start or 0.0) + seconds
    return replace(clip, end=end if clip.end is None else min(clip.end, end))


def audio_of(clip: Clip, seconds: float | None) -> AudioSource:
    """The audio of a clip, or its first `seconds`."""
    part = cut(clip, seconds)
    return AudioSource(clip.id, clip.audio or clip.video, part.start, part.end)


def driven_by(clip: Clip, audio: AudioSource, seconds: float | None) -> DrivenClip:
    """A clip, or its first `seconds`, driven by `audio`."""
    return DrivenClip(safe_id(f"{clip.id}__{audio.id}"), cut(clip, seconds), audio)


def draw_clips(rule: Draw, clips: Sequence[Clip], seconds: float | None) -> tuple[list[DrivenClip], list[str]]:
    """What a task is over.

    Args:
        rule: The task's rule.
        clips: The clips of the split.
        seconds: Length to which clips and audio are cut.

    Returns:
        Driven clips, sorted by id, and notices where the footage has fewer than the task asks for.

    Raises:
        BenchError: The rule is `list`, whose clips are named.

    """
    if rule.rule == "list":
        raise BenchError(f"the task is over a published list of pairs: give it with --pairs FILE ({rule.page})")
    if rule.rule == "cross":
        return _cross(rule, clips, seconds)
    chosen, notices = list(clips), []
    if rule.clips is not None:
        chosen = _shuffled(clips, "")[: rule.clips]
        if len(chosen) < rule.clips:
            notices.append(f"the task is over {rule.clips} clips; the footage has {len(chosen)}")
    ordered = sorted(chosen, key=lambda clip: clip.id)
    return [DrivenClip(clip.id, cut(clip, seconds)) for clip in ordered], notices


def _cross(rule: Draw, clips: Sequence[Clip], seconds: float | None) -> tuple[list[DrivenClip], list[str]]:
    ordered = _shuffled(clips, f"{rule.seed}:")
    speakers: dict[str, Clip] = {}
    for clip in ordered:
        speakers.setdefault(clip.identity, clip)
    videos = list(speakers.values())[: rule.videos]
    uses = dict.fromkeys((clip.id for clip in ordered), 0)
    pairs = []
    for video in videos:
        others = [clip for clip in ordered if clip.identity != video.identity]
        # Audio that drives the fewest videos so far comes first; the order of the draw decides among equals.
        for audio in sorted(others, key=lambda clip: uses[clip.id])[: rule.audio_per_video]:
            uses[audio.id] += 1
            pairs.append(driven_by(video, audio_of(audio, seconds), seconds))
    asked = (rule.videos or 0) * (rule.audio_per_video or 0)
    notices = []
    if len(pairs) < asked:
        found = f"{len(videos)} speakers and {len(ordered)} clips give {len(pairs)}"
        notices.append(f"the task is over {rule.videos} x {rule.audio_per_video} pairs; {found}")
    if any(count > 1 for count in uses.values()):
        notices.append("the footage has too few clips for the task: some audio drives more than one video")
    return sorted(pairs, key=lambda item: item.id), notices


def _shuffled(clips: Sequence[Clip], salt: str) -> list[Clip]:
    """The clips in the order of the hashes of their ids; growing a footage only adds clips in between."""
    return sorted(clips, key=lambda clip: hashlib.sha256(f"{salt}{clip.id}".encode()).hexdigest())
