"""The clips of a dataset that a run uses, and those of one shard of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeVar

from bench_lipsync.harness.api.clip import AudioSource, Clip, DrivenClip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest, Dataset, KeepsFootage
from bench_lipsync.harness.datasets.clip_lists import ByName, find_all
from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, find_files, ids_from_paths
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.plugins import DATASETS
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.tasks import Draw, audio_of, draw_clips, driven_by


class Selection(NamedTuple):
    """The clips to score, and what else the dataset has of the same speakers."""

    clips: ClipList
    driven: tuple[DrivenClip, ...]
    """What is scored, sorted by id: the clips, each once for every audio that drives it."""
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
    drawn, notices = _driven(spec, listed.clips)
    driven = limited(drawn, spec.limit)
    clips = tuple(sorted({item.clip.id: item.clip for item in driven}.values(), key=lambda clip: clip.id))
    kept: tuple[Clip, ...] = ()
    if spec.adapt is not None and isinstance(dataset, KeepsFootage):
        kept = dataset.adaptation_clips({clip.identity for clip in clips})
    notices = [*listed.notices, *notices, *_task_notices(spec)]
    return Selection(ClipList(clips, listed.split, tuple(notices)), driven, listed.clips, kept)


def _task_notices(spec: RunSpec) -> list[str]:
    if spec.task is None:
        return []
    if changed := spec.changes_to_task():
        return [f"not the task {spec.task.title}: {', '.join(changed)} changed"]
    return [f"task {spec.task.title}: {note}" for note in spec.task.notes]


def _driven(spec: RunSpec, listed: tuple[Clip, ...]) -> tuple[tuple[DrivenClip, ...], list[str]]:
    """What `spec` asks to score of the clips of its split, and notices. Raises `BenchError` for unknown names."""
    if spec.pairs is not None:
        return _driven_by_name(spec, spec.pairs, _by_name(listed)), []
    rule, chosen = spec.task.draw if spec.task else Draw(), listed
    if spec.clips is not None:
        by_name = _by_name(listed)
        found = {name: by_name.find(name) for name in spec.clips}
        rule, chosen = Draw(), tuple(find_all(spec.clips, found, "--clips", "clips"))
    driven, notices = draw_clips(rule, chosen, spec.clip_seconds)
    return tuple(driven), notices


def _by_name(clips: Sequence[Clip]) -> ByName[Clip]:
    """Several names for each clip: made only for lists, because a large data set takes seconds."""
    return ByName({clip.id: clip for clip in clips}, {clip.id: clip.video for clip in clips})


def _driven_by_name(spec: RunSpec, pairs: Sequence[tuple[str, str]], by_name: ByName[Clip]) -> tuple[DrivenClip, ...]:
    seconds = spec.clip_seconds
    videos = {video: by_name.find(video) for video, _ in pairs}
    find_all(videos, videos, "the video column of --pairs", "clips")
    named = {name: by_name.find(name) for _, name in pairs}
    audio = {name: None if clip is None else audio_of(clip, seconds) for name, clip in named.items()}
    if spec.data_root and not all(audio.values()):
        files = find_files(spec.data_root, AUDIO_SUFFIXES).files
        paths = {name: path for path, name in ids_from_paths(files, spec.data_root).items()}
        sources = ByName({name: AudioSource(name, path, end=seconds) for name, path in paths.items()}, paths)
        audio |= {name: sources.find(name) for name, source in audio.items() if source is None}
    find_all(audio, audio, "the audio column of --pairs", "clips or audio files below the data root")
    driven = {}
    for video, name in pairs:
        clip, source = videos[video], audio[name]
        if clip and source:
            item = driven_by(clip, source, seconds)
            driven[item.id] = item
    return tuple(driven[name] for name in sorted(driven))


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
