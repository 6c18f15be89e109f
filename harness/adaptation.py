"""Which footage a person is learned from and which frames are scored: never the same ones. The rule is ours.

1. Other footage of the same identity, at least as long as asked: what the dataset keeps for this, else a clip that the
   run does not score, else another clip of the run.
2. Where there is none, the first seconds of the clip itself. They and a gap are cut off, and only the rest is scored,
   in every row of the run, so that the rows stay comparable.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import progress, stages
from harness.clip import FPS, Clip, PreparedClip
from harness.datasets.verify import clip_seconds
from harness.files import sha256_file, write_text_atomically
from harness.names import safe_id
from harness.seen import frames_of
from harness.spec import AdaptSpec
from harness.status import ClipError, Status
from harness.store import Store

logger = logging.getLogger("bench")
GAP_SECONDS = 1.0
"""Between the last frame adapted on and the first one scored: neighbouring frames are nearly the same."""
PLAN_FILE = "adaptation.json"


@dataclass(frozen=True)
class Footage:
    """What one clip's person is learned from."""

    clip: PreparedClip
    frames: tuple[int, int]
    """First frame and the one after the last."""
    cut: bool
    """Whether it was cut off the scored clip."""


@dataclass
class Plan:
    """The clips as they are scored, and their footage by clip id."""

    clips: tuple[Clip, ...]
    footage: dict[str, Footage] = field(default_factory=dict)
    failures: dict[str, ClipError] = field(default_factory=dict)
    """Clips without usable footage, which no row can be scored on."""

    def notices(self, seconds: float) -> tuple[str, ...]:
        """What a reader of the table must know."""
        cut = sum(footage.cut for footage in self.footage.values())
        other = len(self.footage) - cut
        lines = []
        if other:
            lines.append(f"adaptation: {other} clips with {seconds:g} s of other footage of the same person")
        if cut:
            lines.append(
                f"adaptation: {cut} clips without other footage; their first {seconds:g} s and a gap of "
                f"{GAP_SECONDS:g} s are left out of the scores of every row"
            )
        return tuple(lines)

    def write(self, folder: Path) -> None:
        """Write `adaptation.json`: for every clip what was learned from."""
        content: dict[str, Any] = {
            clip: {"footage": use.clip.id, "cut": use.cut, **asdict(frames_of(use.clip, *use.frames))}
            for clip, use in self.footage.items()
        }
        write_text_atomically(folder / PLAN_FILE, json.dumps(content, indent=1) + "\n")


def make_plan(
    scored: Sequence[Clip],
    pool: Sequence[Clip],
    kept: Sequence[Clip],
    adapt: AdaptSpec,
    *,
    size: int,
    store: Store,
    quiet: bool = False,
) -> Plan:
    """Find footage for each of the `scored` clips.

    `pool` is everything in the dataset's split, `kept` what the dataset keeps for adaptation only.
    """
    plan = Plan(tuple(scored))
    ids = {clip.id for clip in scored}
    spare = [*kept, *sorted(pool, key=lambda clip: (clip.id in ids, clip.id))]
    by_identity: dict[str, list[Clip]] = {}
    for clip in spare:
        by_identity.setdefault(clip.identity, []).append(clip)
    clips = []
    for clip in progress.each("footage", scored, quiet):
        use = _other(clip, by_identity.get(clip.identity, []), adapt.seconds, size, store)
        try:
            plan.footage[clip.id] = use or _cut(clip, adapt.seconds, size, store)
        except ClipError as error:
            plan.failures[clip.id] = error
        clips.append(clip if use else replace(clip, start=(clip.start or 0.0) + adapt.seconds + GAP_SECONDS))
    plan.clips = tuple(clips)
    return plan


def _other(clip: Clip, candidates: Sequence[Clip], seconds: float, size: int, store: Store) -> Footage | None:
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
            return Footage(prepared, (0, prepared.frames), cut=False)
    return None


def _shared(one: Clip, two: Clip) -> bool:
    """Whether two clips show the same seconds of the same file."""
    if not (one.video.is_file() and two.video.is_file()):
        return False  # preparing them will say so
    ends = [clip.end if clip.end is not None else float("inf") for clip in (one, two)]
    apart = max(one.start or 0.0, two.start or 0.0) >= min(ends)
    same_file = one.video == two.video or (
        one.video.stat().st_size == two.video.stat().st_size and sha256_file(one.video) == sha256_file(two.video)
    )
    return same_file and not apart


def _cut(clip: Clip, seconds: float, size: int, store: Store) -> Footage:
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
    return Footage(prepared, (0, prepared.frames), cut=True)
