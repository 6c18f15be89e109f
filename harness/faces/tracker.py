"""Tracks the speaker's face through a clip, frame by frame, or says why that fails.

The speaker is the most prominent face of the first second: the largest sum of face sizes over its frames. From then on
a face is the same one when it lies near the last position. Frames without it are searched again enlarged; the gaps that
remain are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmarker import Face, Landmarker, search
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.media.format import FPS

MAX_GAP = 5
"""Longest run of frames (0.2 s) without the face that is interpolated; a longer one is `no_face`."""
MAX_MISSING_SHARE = 0.1
"""Largest share of frames that may be interpolated; more is `no_face`."""
RIVAL_SIZE = 0.6
"""A second face of at least this part of the followed face's size could be the speaker."""
RIVAL_SHARE = 0.5
"""Share of frames with such a second face from which on the speaker is ambiguous: `several_faces`."""

MAX_LOOK = 60 * FPS
"""Frames without the face after which its return is no longer waited for."""

_WARM_UP = FPS  # frames before the speaker is chosen
_ZOOM = 3.0  # side of the cut-out, in face sizes, where a lost face is looked for
_MAX_RESIZE = 2.0  # between two frames a face does not grow or shrink more than this


@dataclass
class _Candidate:
    """A face of the first second."""

    faces: dict[int, Face] = field(default_factory=dict)
    prominence: float = 0.0

    def add(self, index: int, face: Face) -> None:
        self.faces[index] = face
        self.prominence += face.box.side

    @property
    def last(self) -> int:
        return next(reversed(self.faces))  # frames are added in order


class FaceTracker:
    """Takes the frames of a clip in order with `add`; afterwards `faces` holds the followed face of each frame."""

    def __init__(self, landmarker: Landmarker, region: Region | None = None, *, patient: bool = False) -> None:
        """`region`: where to look, in pixels of the frames; `None` is everywhere.

        `patient`: frames without the face are no failure, however many, as long as there is one with it.
        """
        self._landmarker = landmarker
        self._region = region
        self._patient = patient
        self._candidates: list[_Candidate] = []
        self._chosen: _Candidate | None = None
        self._crowded = 0
        self._gap: tuple[int, int] | None = None  # the first frame without the face that is one too many, and the next
        self.frames = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Take the next frame (H, W, 3) uint8 RGB. Raises `ClipError` (`no_face`) when a gap that is too long ends."""
        index = self.frames
        self.frames += 1
        faces = self._landmarker.faces(picture, self._region)
        if not faces and not self._candidates and not self._gap:
            faces = search(self._landmarker, picture, self._region)
        if self._chosen is None:
            self._match_candidates(index, faces, picture)
            if index + 1 == _WARM_UP:
                self._choose()
        else:
            self._continue(self._chosen, index, faces, picture)
        self._check_gap(index)

    def finish(self) -> dict[int, Face]:
        """The followed face by frame. Raises `ClipError`: `no_face`, `several_faces`."""
        if self._chosen is None:
            self._choose()
        chosen = self._chosen
        if chosen is None:
            where = " within the box" if self._region else ""
            raise ClipError(Status.NO_FACE, f"no face in any of {self.frames} frames{where}")
        if self._gap:
            raise _gap_error(*self._gap)
        missing = self.frames - len(chosen.faces)
        known = [-1, *chosen.faces, self.frames]
        gap = max(after - before - 1 for before, after in pairwise(known))
        if not self._patient and (missing > MAX_MISSING_SHARE * self.frames or gap > MAX_GAP):
            reason = f"no face in {missing} of {self.frames} frames, in up to {gap} in a row"
            raise ClipError(Status.NO_FACE, reason)
        if self._crowded >= RIVAL_SHARE * self.frames:
            reason = (
                f"a second face as large in {self._crowded} of {self.frames} frames; put a box around the one that is "
                "meant: column box of identities.csv (dataset folder), or bench generate --box"
            )
            raise ClipError(Status.SEVERAL_FACES, reason)
        return chosen.faces

    def _match_candidates(self, index: int, faces: list[Face], picture: NDArray[np.uint8]) -> None:
        unmatched = list(faces)
        for candidate in sorted(self._candidates, key=lambda candidate: -candidate.prominence):
            face = _match(candidate, index, unmatched)
            if face is None and candidate is self._most_prominent():
                face = self._look_again(candidate, index, picture)
            elif face is not None:
                unmatched.remove(face)
            if face is not None:
                candidate.add(index, face)
        for face in unmatched:
            self._candidates.append(_Candidate())
            self._candidates[-1].add(index, face)

    def _most_prominent(self) -> _Candidate | None:
        return max(self._candidates, key=lambda candidate: candidate.prominence, default=None)

    def _choose(self) -> None:
        self._chosen = chosen = self._most_prominent()
        if chosen is None:
            return
        for index, face in chosen.faces.items():
            others = [other.faces[index] for other in self._candidates if other is not chosen and index in other.faces]
            self._crowded += _has_rival(face, others)
        self._candidates = [chosen]

    def _continue(self, chosen: _Candidate, index: int, faces: list[Face], picture: NDArray[np.uint8]) -> None:
        face = _match(chosen, index, faces) or self._look_again(chosen, index, picture)
        if face is not None:
            chosen.add(index, face)
            self._crowded += _has_rival(face, faces)

    def _look_again(self, candidate: _Candidate, index: int, picture: NDArray[np.uint8]) -> Face | None:
        last = candidate.faces[candidate.last].box
        return _match(candidate, index, self._landmarker.faces(picture, last.square(_ZOOM)))

    def _check_gap(self, index: int) -> None:
        """Find a gap that is too long, and wait for its end, so that its length can be said."""
        if self._patient:
            return
        prominent = self._chosen or self._most_prominent()
        last = -1 if prominent is None else prominent.last
        if index - last > MAX_GAP:
            self._gap = (last + 1, index + 1)
            if index - last >= MAX_LOOK:
                raise _gap_error(*self._gap, more=" or more")
        elif self._gap:
            raise _gap_error(*self._gap)


def _gap_error(first: int, stop: int, more: str = "") -> ClipError:
    who = "the face that is followed is not seen" if first else "no face is seen"
    place = f"from frame {first} ({first / FPS:.2f} to {stop / FPS:.2f} s)"
    return ClipError(Status.NO_FACE, f"{who} in {stop - first}{more} frames in a row, {place}")


def _match(candidate: _Candidate, index: int, faces: list[Face]) -> Face | None:
    """The face that lies nearest to where the candidate last was, near enough and of about its size."""
    last = candidate.faces[candidate.last].box
    reach = 0.5 * last.side * (index - candidate.last)
    best: Face | None = None
    for face in faces:
        distance = float(np.hypot(*np.subtract(face.box.centre, last.centre)))
        grown = face.box.side / last.side
        if distance <= reach and 1 / _MAX_RESIZE <= grown <= _MAX_RESIZE:
            best, reach = face, distance
    return best


def _has_rival(face: Face, others: list[Face]) -> bool:
    return any(other is not face and other.box.side >= RIVAL_SIZE * face.box.side for other in others)
