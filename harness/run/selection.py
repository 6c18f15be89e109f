"""The clips of a dataset that a run uses, and those of one shard of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeVar

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest, Dataset, KeepsFootage
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.plugins import DATASETS
from bench_lipsync.harness.run.spec import RunSpec


class Selection(NamedTuple):
    """The clips to score, and what else the dataset has of the same speakers."""

    clips: ClipList
    pool: tuple[Clip, ...]
    """All clips of the split, before the limit."""
    kept: tuple[Clip, ...]
    """Footage that the dataset keeps for adaptation and never lists; only for runs that adapt."""


def select_clips(spec: RunSpec) -> ClipList:
    """The clips of `spec`, sorted by id; errors as of `select`."""
    return select(spec).clips


def select(spec: RunSpec) -> Selection:
    """The clips of `spec` and the footage beside them. Raises `BenchError` if there are none or two share an id."""
    dataset = DATASETS.get(spec.dataset)()
    listed = _listed(dataset, spec.dataset, ClipRequest(data_root=spec.data_root, split=spec.split))
    clips = limited(listed.clips, spec.limit)
    kept: tuple[Clip, ...] = ()
    if spec.adapt is not None and isinstance(dataset, KeepsFootage):
        kept = dataset.adaptation_clips({clip.identity for clip in clips})
    return Selection(ClipList(clips, listed.split, listed.notices), listed.clips, kept)


def list_clips(name: str, request: ClipRequest, limit: int | None) -> ClipList:
    """The clips that a run of dataset `name` with this `limit` scores; errors as of `select`."""
    listed = _listed(DATASETS.get(name)(), name, request)
    return replace(listed, clips=limited(listed.clips, limit))


def _listed(dataset: Dataset, name: str, request: ClipRequest) -> ClipList:
    listed = dataset.clips(request)
    if not listed.clips:
        notices = " ".join(listed.notices)
        reason = f"dataset {name} has no clips in split {listed.split}; try --split all. {notices}"
        raise BenchError(reason.strip())
    repeated = [clip_id for clip_id, count in Counter(clip.id for clip in listed.clips).items() if count > 1]
    if repeated:
        raise BenchError(f"dataset {name} gives several clips the same id: {', '.join(repeated[:5])}")
    return replace(listed, clips=tuple(sorted(listed.clips, key=lambda clip: clip.id)))


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


def limited(clips: Sequence[T], limit: int | None) -> tuple[T, ...]:
    """At most `limit` clips or other things with ids, in their order, spread over the list by the hash of their ids.

    What `--limit` means in every command. Growing the limit only adds clips, so nothing that a smaller run computed is
    lost.
    """
    spread = sorted((clip.id for clip in clips), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    taken = set(spread[:limit])
    return tuple(clip for clip in clips if clip.id in taken)


class Shard(NamedTuple):
    """Shard `number` of `of`; the first is 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `2/8`. Raises `BenchError`."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        shard = cls(*map(int, match.groups())) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise BenchError(f"--shard {text!r}: expected NUMBER/COUNT from 1/COUNT to COUNT/COUNT, for example 2/8")
        return shard

    @property
    def name(self) -> str:
        """`shard-2-of-8`."""
        return f"shard-{self.number}-of-{self.of}"

    def indexes(self, clips: int) -> range:
        """Which of `clips`, sorted by id, are its own: neighbours, because donors are often the next clip."""
        return range((self.number - 1) * clips // self.of, self.number * clips // self.of)
