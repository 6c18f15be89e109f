"""Which task of a run comes next, and what is known of every clip: the run as a graph that is never drawn in full.

A clip is prepared (adapted runs look for footage first), then every row generates and scores it. Rows that hear another
clip's sound wait for their donor: the first clip in the order of `harness.run.audio_donors` that could be prepared.
Pairs are given out row by row, so that few models are in use at once. While they are, the clips for them are prepared
`ahead`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.adaptation_footage import footage_candidates, scored_part
from bench_lipsync.harness.run.audio_donors import Donors
from bench_lipsync.harness.run.spec import AdaptSpec
from bench_lipsync.harness.run.tasks import FootageRef, FootageTask, PairDone, PairTask, PrepareTask, Trouble, lean


class Row(NamedTuple):
    """What the schedule must know of a row."""

    name: str
    needs_donor: bool = False
    adapted: bool = False


@dataclass(frozen=True)
class Footage:
    """Where a run that keeps footage for adaptation looks for it."""

    adapt: AdaptSpec
    pool: tuple[Clip, ...]
    kept: tuple[Clip, ...]


@dataclass
class ClipState:
    """What is known of one clip."""

    clip: Clip
    footage: FootageRef | None = None
    entry: str | None = None
    trouble: Trouble | None = None
    donor: int | None = None
    """Index of the clip whose sound it gets; `None` until it is found, and where there is none."""
    asking: int | None = None
    """The donor that is waited for."""
    candidates: Iterator[int] | None = None
    """Donors that were not asked yet; `None` before the search, and after it."""
    begun: bool = False
    """Whether a task for it was given out."""
    released: bool = False
    """Whether a row was given out."""

    @property
    def settled(self) -> bool:
        """Whether it is known if the clip can be used."""
        return self.entry is not None or self.trouble is not None


@dataclass
class Schedule:
    """The state of a run. `next` gives a task that can be done now, `take` is told what came of it."""

    clips: Sequence[Clip]
    """All clips of the run, sorted by id."""
    rows: Sequence[Row]
    size: int
    own: Collection[int] | None = None
    """Indexes of the clips that this part of the run is about; `None` for all."""
    footage: Footage | None = None
    ahead: int | None = None
    """Prepared clips that may wait for their first row; `None` prepares everything first."""
    pairs: dict[tuple[str, str], PairDone | Trouble] = field(default_factory=dict)
    """Results by row and clip id."""

    def __post_init__(self) -> None:
        self._states = [ClipState(clip) for clip in self.clips]
        self._own = range(len(self.clips)) if self.own is None else sorted(self.own)
        self._is_own = set(self._own)
        self._index = {clip.id: index for index, clip in enumerate(self.clips)}
        self._row = {row.name: number for number, row in enumerate(self.rows)}
        self._donors = Donors([clip.identity for clip in self.clips])
        self._waiting: dict[int, list[int]] = {}
        """Clips whose search for a donor waits for a clip."""
        self._todo = deque(self._own)
        self._found: deque[int] = deque()
        """Clips with footage, to be prepared."""
        self._heap: list[tuple[int, int]] = []
        self._unused = 0
        """Own clips that were begun and that no row was given."""
        self._candidates: dict[str, tuple[Clip, ...]] = {}
        if self.footage:
            self._candidates = footage_candidates(self.clips, self.footage.pool, self.footage.kept)

    def next(self) -> FootageTask | PrepareTask | PairTask | None:
        """A task that can be done now, or `None` if that takes results that are still to come."""
        if self._found:
            return self._prepare(self._found.popleft())
        while self._todo and self._states[self._todo[0]].begun:  # Already asked for as a donor.
            self._todo.popleft()
        if self._todo and (self.ahead is None or self._unused < self.ahead or not self._heap):
            return self._begin()
        return self._pair() if self._heap else None

    def take(self, task: FootageTask | PrepareTask | PairTask, result: Any) -> None:
        """What came of `task`; a `ClipError` where it failed."""
        trouble = Trouble.of(result) if isinstance(result, ClipError) else None
        if isinstance(task, PairTask):
            self.pairs[task.row, task.clip] = trouble or lean(result)
            return
        index = self._index[task.clip.id]
        state = self._states[index]
        if trouble:
            state.trouble = trouble
        elif isinstance(task, FootageTask):
            state.footage = result
            if result.cut:
                state.clip = scored_part(state.clip, task.seconds)
            self._found.append(index)
            return
        else:
            state.entry = result
        self._settle(index)

    def own_clips(self) -> list[ClipState]:
        """Of every own clip what is known in the end, in order."""
        return [self._states[index] for index in self._own]

    def donor_of(self, state: ClipState) -> ClipState | None:
        """The clip whose sound it gets."""
        return None if state.donor is None else self._states[state.donor]

    def _begin(self) -> FootageTask | PrepareTask:
        index = self._todo.popleft()
        state = self._states[index]
        state.begun = True
        self._unused += index in self._is_own
        if self.footage is None:
            return self._prepare(index)
        candidates = self._candidates.get(state.clip.identity, ())
        return FootageTask(state.clip, candidates, self.footage.adapt.seconds, self.size)

    def _prepare(self, index: int) -> PrepareTask:
        return PrepareTask(self._states[index].clip, self.size)

    def _pair(self) -> PairTask:
        number, index = heappop(self._heap)
        state, row = self._states[index], self.rows[number]
        if not state.released:
            state.released = True
            self._unused -= 1
        donor = self.donor_of(state)
        return PairTask(
            row=row.name,
            clip=state.clip.id,
            entry=state.entry or "",
            donor=donor.entry if donor and row.needs_donor else None,
            footage=state.footage if row.adapted else None,
        )

    def _settle(self, index: int) -> None:
        """A clip is prepared, or never will be."""
        state = self._states[index]
        if index in self._is_own:
            if state.trouble:
                self._unused -= 1
            else:
                self._release(index, with_donor=False)
                state.candidates = self._donors.candidates(index)
                self._seek_donor(index)
        for seeker in self._waiting.pop(index, ()):
            self._seek_donor(seeker)

    def _seek_donor(self, index: int) -> None:
        """Go on through the candidates until one is usable, or until one must be waited for."""
        state = self._states[index]
        while state.candidates is not None:
            if state.asking is None:
                state.asking = next(state.candidates, None)
            if state.asking is None:
                state.candidates = None
                break
            asked = self._states[state.asking]
            if not asked.settled:
                self._waiting.setdefault(state.asking, []).append(index)
                if not asked.begun and state.asking not in self._is_own:
                    self._todo.append(state.asking)
                return
            if asked.entry is not None:
                state.donor, state.candidates = state.asking, None
            state.asking = None
        self._release(index, with_donor=True)

    def _release(self, index: int, *, with_donor: bool) -> None:
        for number, row in enumerate(self.rows):
            if row.needs_donor == with_donor:
                heappush(self._heap, (number, index))
