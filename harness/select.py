"""Which clips of a dataset a run uses."""

from __future__ import annotations

import hashlib
from collections import Counter

from harness.clip import Clip
from harness.datasets.base import ClipList, ClipRequest
from harness.datasets.registry import DATASETS
from harness.spec import RunSpec
from harness.status import BenchError


def select_clips(spec: RunSpec) -> ClipList:
    """The clips of `spec`, sorted by id. Raises `BenchError` if there are none or two share an id."""
    dataset = DATASETS.get(spec.dataset)()
    found = dataset.clips(ClipRequest(data_root=spec.data_root, split=spec.split))
    if not found.clips:
        said = " ".join(found.notices)
        raise BenchError(f"dataset {spec.dataset} has no clips in split {found.split}; try --split all. {said}".strip())
    twice = [name for name, count in Counter(clip.id for clip in found.clips).items() if count > 1]
    if twice:
        raise BenchError(f"dataset {spec.dataset} gives several clips the same id: {', '.join(twice[:5])}")
    return ClipList(limit_clips(found.clips, spec.limit), found.split, found.notices)


def limit_clips(clips: tuple[Clip, ...], limit: int | None) -> tuple[Clip, ...]:
    """At most `limit` clips, spread over the list by the hash of their ids, sorted by id.

    Growing the limit only adds clips, so nothing that a smaller run computed is lost.
    """
    spread = sorted(clips, key=lambda clip: hashlib.sha256(clip.id.encode()).hexdigest())
    return tuple(sorted(spread[:limit], key=lambda clip: clip.id))
