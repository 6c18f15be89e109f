"""Clips to train on, and clips of held-out identities to validate on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar
from zlib import crc32

from bench_lipsync.harness.errors import BenchError

_HELD_OUT = 16
"""`split_clips` holds out one identity in so many."""


class HasIdentity(Protocol):
    """A clip of one speaker."""

    @property
    def identity(self) -> str:
        """The speaker."""


C = TypeVar("C", bound=HasIdentity)


class Split(NamedTuple, Generic[C]):
    """Clips to train on and clips of other identities to validate on."""

    train: list[C]
    held_out: list[C]


def split_clips(clips: Sequence[C]) -> Split[C]:
    """Hold out every 16th identity, in order of name; with one identity its last clip.

    Raises:
        BenchError: For fewer than two clips.

    """
    if len(clips) < 2:
        raise BenchError(f"{len(clips)} clips are long enough to train on; at least 2 are needed, so name more footage")
    identities = sorted({clip.identity for clip in clips})
    if len(identities) == 1:
        return Split(list(clips[:-1]), [clips[-1]])
    return split_by_identity(clips, identities[_HELD_OUT - 1 :: _HELD_OUT] or identities[-1:])


def split_by_hash(clips: Sequence[C]) -> Split[C]:
    """Hold out about a tenth of the identities, chosen by the hash of their names, unless that would be all of them."""
    held_out = {clip.identity for clip in clips if crc32(clip.identity.encode()) % 10 == 0}
    return split_by_identity(clips, held_out if len(held_out) < len({clip.identity for clip in clips}) else ())


def split_by_identity(clips: Sequence[C], held_out: Collection[str]) -> Split[C]:
    """Split `clips`, in their order, by whether their identity is in `held_out`."""
    return Split(
        [clip for clip in clips if clip.identity not in held_out], [clip for clip in clips if clip.identity in held_out]
    )
