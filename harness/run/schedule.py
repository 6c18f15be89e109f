"""Task scheduler of a run; the task graph is expanded lazily.

A clip is prepared (runs with adaptation look for footage first), then every row generates and scores it, once for each
audio that drives it. Rows that do not use the clip's own audio wait for the named audio, or else for a donor: the first
clip in the order of `run.audio_donors` that could be prepared. Pairs (row, driven clip) are given out row by row, so
that few models are in use at once; meanwhile clips are prepared `ahead`.

A clip goes through these states:

    waiting ──► footage ──► to prepare ──► preparing ──► prepared ──► pairs of rows with its own audio are ready
       └────────(without adaptation)───────────▲ │                └──► donor known: pairs of the other rows are ready
                   └────────────────────────────┴──► failed: no pairs
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

from bench_lipsync.harness.api.clip import AudioSource, Clip, DrivenClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.adaptation_footage import footage_candidates, scored_part
from bench_lipsync.harness.run.audio_donors import Donors
from bench_lipsync.harness.run.record import ClipRecord, PairRecord
from bench_lipsync.harness.run.spec import AdaptSpec
from bench_lipsync.harness.run.work_items import (
    AudioTask,
    FootageRef,
    FootageTask,
    PairTask,
    PrepareTask,
    share_strings,
)
from bench_lipsync.harness.scoring.score import FailureRecord


class ScheduledRow(NamedTuple):
    """What the schedule needs to know of a row."""

    name: str
    needs_donor: bool = False
    adapted: bool = False


@dataclass(frozen=True)
class FootageSources:
    """Where a run with adaptation looks for footage."""

    adapt: AdaptSpec
    pool: tuple[Clip, ...]
    """All clips of the split."""
    kept: tuple[Clip, ...]
    """Clips that the dataset keeps for adaptation only."""


@dataclass
class _ClipState:
    """What is known of one clip."""

    clip: Clip
    footage: FootageRef | None = None
    entry: str | None = None
    failure: FailureRecord | None = None
    donor: int | None = None
    """Index of the clip whose audio it gets; `None` until it is found, and where there is none."""
    candidate: int | None = None
    """The candidate for the donor whose preparation is waited for."""
    candidates: Iterator[int] | None = None
    """Candidates that were not examined yet; `None` before the search and after it."""
    begun: bool = False
    """Whether a task for it was given out."""
    released: bool = False
    """Whether one of its pairs was given out."""

    driven: list[int] = field(default_factory=list)
    """Indexes of the driven clips of this shard that show it."""

    @property
    def settled(self) -> bool:
        """Whether its preparation has succeeded or failed."""
        return self.entry is not None or self.failure is not None


@dataclass
class _AudioState:
    """What is known of audio that was named to drive clips."""

    source: AudioSource
    entry: str | None = None
    failure: FailureRecord | None = None
    begun: bool = False
    waiting: list[int] = field(default_factory=list)
    """Driven clips whose clip is prepared."""


class Schedule:
    """The state of a run's tasks. `next` gives a task that can be done now, `take` receives its result.

    Args:
        driven: What is scored, sorted by id.
        rows: The rows, in the order in which they are to be done.
        size: Side of the prepared clips in pixels.
        own: Indexes of what is scored in this shard; `None` for all. Other clips are only prepared, as donors.
        footage: Where footage for adaptation comes from; `None` without adaptation.
        ahead: Prepared clips that may wait for their first row; `None` prepares everything first.

    """

    def __init__(
        self,
        driven: Sequence[DrivenClip],
        rows: Sequence[ScheduledRow],
        size: int,
        *,
        own: Collection[int] | None = None,
        footage: FootageSources | None = None,
        ahead: int | None = None,
    ) -> None:
        self.rows = rows
        self._size, self._footage, self._ahead = size, footage, ahead
        self._driven = driven
        clips = list({item.clip.id: item.clip for item in driven}.values())
        self._states = [_ClipState(clip) for clip in clips]
        self._index = {clip.id: index for index, clip in enumerate(clips)}
        self._audio = {item.audio.id: _AudioState(item.audio) for item in driven if item.audio}
        self._own = range(len(driven)) if own is None else sorted(own)
        for number in self._own:
            self._states[self._index[driven[number].clip.id]].driven.append(number)
        self._is_own = {index for index, state in enumerate(self._states) if state.driven}
        self._donors = Donors([clip.identity for clip in clips])
        self._pairs: dict[tuple[str, str], PairRecord] = {}
        """Results by row and id of the driven clip."""
        self._seekers: dict[int, list[int]] = {}
        """By the index of a clip that is not settled: the clips that want it as their donor."""
        self._waiting = deque(sorted(self._is_own))
        """Clips to begin. Donors of other shards join it."""
        self._to_prepare: deque[int] = deque()
        """Clips whose footage was found."""
        self._to_extract: deque[_AudioState] = deque()
        """Audio of clips that were begun."""
        self._ready: list[tuple[int, int]] = []
        """Heap of pairs (row, driven clip) that can be done: the first row first."""
        self._unused = 0
        """Own clips that were begun and have no pair given out; what `ahead` limits."""
        self._candidates: dict[str, tuple[Clip, ...]] = {}
        """Footage for adaptation by identity."""
        if footage:
            self._candidates = footage_candidates(clips, footage.pool, footage.kept)

    def counts(self) -> dict[str, int]:
        """Number of items of every stage, for the progress display."""
        names = {audio.id for number in self._own if (audio := self._driven[number].audio)}
        stages = {"footage": len(self._is_own)} if self._footage else {}
        stages |= {"audio": len(names)} if names else {}
        return {**stages, "prepare": len(self._is_own), **{row.name: len(self._own) for row in self.rows}}

    def next(self) -> FootageTask | AudioTask | PrepareTask | PairTask | None:
        """A task that can be done now, or `None` if all that is left depends on results still to come."""
        if self._to_extract:
            return AudioTask(self._to_extract.popleft().source)
        if self._to_prepare:
            return self._prepare(self._to_prepare.popleft())
        while self._waiting and self._states[self._waiting[0]].begun:  # It was wanted as a donor before its turn.
            self._waiting.popleft()
        # Pairs come first once enough clips are prepared; without ready pairs, more clips must be prepared.
        if self._waiting and (self._ahead is None or self._unused < self._ahead or not self._ready):
            return self._begin()
        return self._pair() if self._ready else None

    def take(self, task: FootageTask | AudioTask | PrepareTask | PairTask, result: Any) -> list[str]:
        """Receive the result of `task`; a `ClipError` if it failed.

        Returns:
            The rows, one for each pair, that failed with the clip or the audio of the task.

        """
        failure = FailureRecord.of(result) if isinstance(result, ClipError) else None
        if isinstance(task, PairTask):
            self._pairs[task.row, task.clip] = failure or share_strings(result)
            return []
        if isinstance(task, AudioTask):
            audio = self._audio[task.audio.id]
            audio.entry, audio.failure = (None, failure) if failure else (result, None)
            return [row for number in audio.waiting for row in self._release_driven(number)]
        index = self._index[task.clip.id]
        state = self._states[index]
        if failure:
            state.failure = failure
        elif isinstance(task, FootageTask):
            state.footage = result
            if result.cut:
                state.clip = scored_part(state.clip, task.seconds)
            self._to_prepare.append(index)
            return []  # Not settled yet.
        else:
            state.entry = result
        return self._settle(index)

    def clip_records(self) -> list[ClipRecord]:
        """What happened to the driven clips of this shard, in their order."""
        return [self._record(number) for number in self._own]

    def _record(self, number: int) -> ClipRecord:
        item, state = self._driven[number], self._state_of(number)
        donor = item.audio.id if item.audio else None
        if donor is None and state.donor is not None:
            donor = self._states[state.donor].clip.id
        return ClipRecord(item.id, state.clip.identity, state.entry, state.failure, donor, state.footage)

    def pair_records(self, row: str) -> dict[str, PairRecord]:
        """What came of a row, by the id of every driven clip that was prepared, in the order of the clips."""
        ids = (self._driven[number].id for number in self._own if self._state_of(number).entry)
        return {name: self._pairs[row, name] for name in ids}

    def _state_of(self, number: int) -> _ClipState:
        return self._states[self._index[self._driven[number].clip.id]]

    def _begin(self) -> FootageTask | PrepareTask:
        index = self._waiting.popleft()
        state = self._states[index]
        state.begun = True
        self._unused += index in self._is_own
        for number in state.driven:
            named = self._driven[number].audio
            if named and not self._audio[named.id].begun:
                self._audio[named.id].begun = True
                self._to_extract.append(self._audio[named.id])
        if self._footage is None:
            return self._prepare(index)
        candidates = self._candidates.get(state.clip.identity, ())
        return FootageTask(state.clip, candidates, self._footage.adapt.seconds, self._size)

    def _prepare(self, index: int) -> PrepareTask:
        return PrepareTask(self._states[index].clip, self._size)

    def _pair(self) -> PairTask:
        place, number = heappop(self._ready)
        item, state, row = self._driven[number], self._state_of(number), self.rows[place]
        if not state.released:
            state.released = True
            self._unused -= 1
        donor = None
        if row.needs_donor and item.audio:
            donor = self._audio[item.audio.id].entry
        elif row.needs_donor and state.donor is not None:
            donor = self._states[state.donor].entry
        footage = state.footage if row.adapted else None
        return PairTask(row=row.name, clip=item.id, entry=state.entry or "", donor=donor, footage=footage)

    def _settle(self, index: int) -> list[str]:
        """A clip was prepared, or never will be; returns the rows of pairs that failed with it."""
        state = self._states[index]
        failed: list[str] = []
        if state.driven and state.failure:
            self._unused -= 1
            failed = [row.name for _ in state.driven for row in self.rows]
        elif state.driven:
            for number in state.driven:
                self._release(number, with_donor=False)
            failed = self._release_named(state.driven)
            if any(self._driven[number].audio is None for number in state.driven):
                state.candidates = self._donors.candidates(index)
                self._seek_donor(index)
        for seeker in self._seekers.pop(index, ()):
            self._seek_donor(seeker)
        return failed

    def _release_named(self, numbers: Sequence[int]) -> list[str]:
        """Make the pairs with named audio ready, or let them wait for it; returns the rows of those that fail."""
        failed = []
        for number in numbers:
            if named := self._driven[number].audio:
                audio = self._audio[named.id]
                if audio.entry or audio.failure:
                    failed += self._release_driven(number)
                else:
                    audio.waiting.append(number)
        return failed

    def _release_driven(self, number: int) -> list[str]:
        """The same for one driven clip whose audio is extracted, or never will be."""
        named = self._driven[number].audio
        failure = self._audio[named.id].failure if named else None
        if failure is None:
            self._release(number, with_donor=True)
            return []
        rows = [row.name for row in self.rows if row.needs_donor]
        self._pairs.update({(row, self._driven[number].id): failure for row in rows})
        return rows

    def _seek_donor(self, index: int) -> None:
        """Examine candidates until one is prepared, or until the next one is not settled and must be waited for."""
        state = self._states[index]
        while state.candidates is not None:
            if state.candidate is None:
                state.candidate = next(state.candidates, None)
            if state.candidate is None:
                state.candidates = None  # None is left: the rows fail with a reason.
                break
            candidate = self._states[state.candidate]
            if not candidate.settled:
                self._seekers.setdefault(state.candidate, []).append(index)
                if not candidate.begun and state.candidate not in self._is_own:
                    self._waiting.append(state.candidate)
                return
            if candidate.entry is not None:
                state.donor, state.candidates = state.candidate, None
            state.candidate = None
        for number in state.driven:
            if self._driven[number].audio is None:
                self._release(number, with_donor=True)

    def _release(self, number: int, *, with_donor: bool) -> None:
        """Make pairs of a driven clip ready: those of rows that need other audio than its own, or the others."""
        for place, row in enumerate(self.rows):
            if row.needs_donor == with_donor:
                heappush(self._ready, (place, number))
