"""Task scheduler of a run; the task graph is expanded lazily.

A clip is prepared (runs with adaptation look for footage first), then every row generates and scores it. Rows that use
another clip's audio wait for their donor: the first clip in the order of `run.audio_donors` that could be prepared.
Pairs are given out row by row, so that few models are in use at once; meanwhile clips are prepared `ahead`.

A clip goes through these states:

    waiting ──► footage ──► to prepare ──► preparing ──► prepared ──► pairs of rows with its own audio are ready
       └────────(without adaptation)───────────▲ │                └──► donor known: pairs of the other rows are ready
                   └────────────────────────────┴──► failed: no pairs
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, NamedTuple

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.adaptation_footage import footage_candidates, scored_part
from bench_lipsync.harness.run.audio_donors import Donors
from bench_lipsync.harness.run.record import ClipRecord, PairRecord
from bench_lipsync.harness.run.spec import AdaptSpec
from bench_lipsync.harness.run.tasks import FootageRef, FootageTask, PairTask, PrepareTask, share_strings
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

    @property
    def settled(self) -> bool:
        """Whether its preparation has succeeded or failed."""
        return self.entry is not None or self.failure is not None


class Schedule:
    """The state of a run's tasks. `next` gives a task that can be done now, `take` receives its result.

    Args:
        clips: All clips of the run, sorted by id.
        rows: The rows, in the order in which they are to be done.
        size: Side of the prepared clips in pixels.
        own: Indexes of the clips of this shard; `None` for all. Others are only prepared, as donors.
        footage: Where footage for adaptation comes from; `None` without adaptation.
        ahead: Prepared clips that may wait for their first row; `None` prepares everything first.

    """

    def __init__(
        self,
        clips: Sequence[Clip],
        rows: Sequence[ScheduledRow],
        size: int,
        *,
        own: Collection[int] | None = None,
        footage: FootageSources | None = None,
        ahead: int | None = None,
    ) -> None:
        self.rows = rows
        self._size, self._footage, self._ahead = size, footage, ahead
        self._states = [_ClipState(clip) for clip in clips]
        self._index = {clip.id: index for index, clip in enumerate(clips)}
        self._own = range(len(clips)) if own is None else sorted(own)
        self._is_own = set(self._own)
        self._donors = Donors([clip.identity for clip in clips])
        self._pairs: dict[tuple[str, str], PairRecord] = {}
        """Results by row and clip id."""
        self._seekers: dict[int, list[int]] = {}
        """By the index of a clip that is not settled: the clips that want it as their donor."""
        self._waiting = deque(self._own)
        """Clips to begin. Donors of other shards join it."""
        self._to_prepare: deque[int] = deque()
        """Clips whose footage was found."""
        self._ready: list[tuple[int, int]] = []
        """Heap of pairs (row, clip) that can be done: the first row first."""
        self._unused = 0
        """Own clips that were begun and have no pair given out; what `ahead` limits."""
        self._candidates: dict[str, tuple[Clip, ...]] = {}
        """Footage for adaptation by identity."""
        if footage:
            self._candidates = footage_candidates(clips, footage.pool, footage.kept)

    def next(self) -> FootageTask | PrepareTask | PairTask | None:
        """A task that can be done now, or `None` if all that is left depends on results still to come."""
        if self._to_prepare:
            return self._prepare(self._to_prepare.popleft())
        while self._waiting and self._states[self._waiting[0]].begun:  # It was wanted as a donor before its turn.
            self._waiting.popleft()
        # Pairs come first once enough clips are prepared; without ready pairs, more clips must be prepared.
        if self._waiting and (self._ahead is None or self._unused < self._ahead or not self._ready):
            return self._begin()
        return self._pair() if self._ready else None

    def take(self, task: FootageTask | PrepareTask | PairTask, result: Any) -> None:
        """Receive the result of `task`; a `ClipError` if it failed."""
        failure = FailureRecord.of(result) if isinstance(result, ClipError) else None
        if isinstance(task, PairTask):
            self._pairs[task.row, task.clip] = failure or share_strings(result)
            return
        index = self._index[task.clip.id]
        state = self._states[index]
        if failure:
            state.failure = failure
        elif isinstance(task, FootageTask):
            state.footage = result
            if result.cut:
                state.clip = scored_part(state.clip, task.seconds)
            self._to_prepare.append(index)
            return  # Not settled yet.
        else:
            state.entry = result
        self._settle(index)

    def clip_records(self) -> list[ClipRecord]:
        """What happened to the clips of this shard, in their order."""
        return [
            ClipRecord(
                state.clip.id,
                state.clip.identity,
                state.entry,
                state.failure,
                None if state.donor is None else self._states[state.donor].clip.id,
                state.footage,
            )
            for state in (self._states[index] for index in self._own)
        ]

    def pair_records(self, row: str) -> dict[str, PairRecord]:
        """What came of a row, by the id of every prepared clip, in the order of the clips."""
        own = (self._states[index] for index in self._own)
        return {state.clip.id: self._pairs[row, state.clip.id] for state in own if state.entry}

    def _begin(self) -> FootageTask | PrepareTask:
        index = self._waiting.popleft()
        state = self._states[index]
        state.begun = True
        self._unused += index in self._is_own
        if self._footage is None:
            return self._prepare(index)
        candidates = self._candidates.get(state.clip.identity, ())
        return FootageTask(state.clip, candidates, self._footage.adapt.seconds, self._size)

    def _prepare(self, index: int) -> PrepareTask:
        return PrepareTask(self._states[index].clip, self._size)

    def _pair(self) -> PairTask:
        number, index = heappop(self._ready)
        state, row = self._states[index], self.rows[number]
        if not state.released:
            state.released = True
            self._unused -= 1
        return PairTask(
            row=row.name,
            clip=state.clip.id,
            entry=state.entry or "",
            donor=self._states[state.donor].entry if row.needs_donor and state.donor is not None else None,
            footage=state.footage if row.adapted else None,
        )

    def _settle(self, index: int) -> None:
        """A clip was prepared, or never will be."""
        state = self._states[index]
        if index in self._is_own:
            if state.failure:
                self._unused -= 1
            else:
                self._release(index, with_donor=False)
                state.candidates = self._donors.candidates(index)
                self._seek_donor(index)
        for seeker in self._seekers.pop(index, ()):
            self._seek_donor(seeker)

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
        self._release(index, with_donor=True)

    def _release(self, index: int, *, with_donor: bool) -> None:
        """Make the clip's pairs ready: those of rows that need a donor, or those of the others."""
        for number, row in enumerate(self.rows):
            if row.needs_donor == with_donor:
                heappush(self._ready, (number, index))
