"""The footage that a model is adapted on and the frames that are scored: never the same. The rule is this project's.

1. Other footage of the same identity, at least as long as requested: what the dataset keeps for this, else a clip that
   the run does not score, else another clip of the run.
2. Where there is none, the first seconds of the clip itself. They and a gap are cut off, and only the rest is scored,
   in every row of the run, so that the rows stay comparable.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench_lipsync.harness.api.clip import FPS, Clip, PreparedClip
from bench_lipsync.harness.api.seen_frames import frames_of
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.run.work_items import FootageRef
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.stages.source import clip_seconds
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_file, write_text_atomically
from bench_lipsync.harness.util.sanitize import safe_id

logger = logging.getLogger(__name__)
GAP_SECONDS = 1.0
"""Between the last frame adapted on and the first one scored: neighbouring frames are nearly the same."""
PLAN_FILE = "adaptation.json"


@dataclass(frozen=True)
class AdaptationFootage:
    """The footage that a model is adapted to one clip's speaker on."""

    clip: PreparedClip
    frames: tuple[int, int]
    """First frame and the one after the last."""
    cut: bool
    """Whether it was cut off the scored clip."""


def footage_candidates(
    scored: Sequence[Clip], pool: Sequence[Clip], kept: Sequence[Clip]
) -> dict[str, tuple[Clip, ...]]:
    """Candidates for adaptation by identity, best first.

    `pool` is everything in the dataset's split, `kept` what the dataset keeps for adaptation only.
    """
    ids = {clip.id for clip in scored}
    by_identity: dict[str, list[Clip]] = {}
    for clip in [*kept, *sorted(pool, key=lambda clip: (clip.id in ids, clip.id))]:
        by_identity.setdefault(clip.identity, []).append(clip)
    return {identity: tuple(clips) for identity, clips in by_identity.items()}


def find_footage(clip: Clip, candidates: Sequence[Clip], seconds: float, size: int, store: Store) -> AdaptationFootage:
    """`seconds` of other footage out of `candidates`, or of `clip` itself. Raises `ClipError` where there is none."""
    return _other(clip, candidates, seconds, size, store) or _cut(clip, seconds, size, store)


def scored_part(clip: Clip, seconds: float) -> Clip:
    """The rest of a clip whose first `seconds` are used for adaptation."""
    return replace(clip, start=(clip.start or 0.0) + seconds + GAP_SECONDS)


def notices(footage: Collection[FootageRef], seconds: float) -> tuple[str, ...]:
    """Notices for the table."""
    cut = sum(use.cut for use in footage)
    other = len(footage) - cut
    lines = []
    if other:
        lines.append(f"adaptation: {other} clips with {seconds:g} s of other footage of the same person")
    if cut:
        lines.append(
            f"adaptation: {cut} clips without other footage; their first {seconds:g} s and a gap of "
            f"{GAP_SECONDS:g} s are left out of the scores of every row"
        )
    return tuple(lines)


def write_plan(folder: Path, footage: Mapping[str, FootageRef], store: Store) -> None:
    """Write `adaptation.json`: the adaptation footage by clip id."""
    content: dict[str, Any] = {}
    for clip, use in footage.items():
        source = PreparedClip.load(store.file(use.entry))
        content[clip] = {"footage": source.id, "cut": use.cut, **asdict(frames_of(source, *use.frames))}
    write_text_atomically(folder / PLAN_FILE, json.dumps(content, indent=1) + "\n")


def _other(clip: Clip, candidates: Sequence[Clip], seconds: float, size: int, store: Store) -> AdaptationFootage | None:
    """The first of `candidates` that is other footage, long enough, and shows a face."""
    for other in candidates:
        if other.id == clip.id or (clip_seconds(other) or 0.0) < seconds or _shared(clip, other):
            continue
        begin = other.start or 0.0
        try:
            prepared = stages.prepare(replace(other, end=begin + seconds), size, store)
        except ClipError as error:
            logger.warning("footage %s for %s: %s", other.id, clip.id, error)
            continue
        if prepared.frames >= round(seconds * FPS) - 1:
            return AdaptationFootage(prepared, (0, prepared.frames), cut=False)
    return None


def _shared(first: Clip, second: Clip) -> bool:
    """Whether two clips show the same seconds of the same file."""
    if not (first.video.is_file() and second.video.is_file()):
        return False  # preparing them will say so
    ends = [clip.end if clip.end is not None else float("inf") for clip in (first, second)]
    apart = max(first.start or 0.0, second.start or 0.0) >= min(ends)
    same_file = first.video == second.video or (
        first.video.stat().st_size == second.video.stat().st_size
        and sha256_file(first.video) == sha256_file(second.video)
    )
    return same_file and not apart


def _cut(clip: Clip, seconds: float, size: int, store: Store) -> AdaptationFootage:
    begin = clip.start or 0.0
    length = clip_seconds(clip)
    if length is not None and length <= seconds + GAP_SECONDS:
        raise ClipError(
            Status.TOO_SHORT,
            f"{length:.2f} s, and there is no other footage of {clip.identity} of {seconds:g} s: nothing is left to "
            f"score after {seconds:g} s for adaptation and a gap of {GAP_SECONDS:g} s",
        )
    head = replace(clip, id=safe_id(f"{clip.id}.adapt"), start=begin, end=begin + seconds)
    prepared = stages.prepare(head, size, store)
    return AdaptationFootage(prepared, (0, prepared.frames), cut=True)
