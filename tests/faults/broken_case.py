"""What a broken input is, and the few things that all of them are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

REFUSED = frozenset({"decode_error"})
"""What is no readable video."""
ANY = frozenset({"ok", "decode_error", "no_audio", "no_face", "several_faces", "too_short", "too_long"})
"""Damage of which nobody can say beforehand how far it reaches: any typed end will do."""
LEGAL = frozenset({"ok"})
"""An unusual file with nothing wrong in it: has to come out as the reference does."""
TOLD = frozenset({"bench_error"})
"""A mistake of the user's: one message, no clip."""

Kind = Literal["prepare", "voxceleb2_tree", "hdtf_tree", "hdtf_cut", "spec", "hdtf", "precomputed", "archive"]


@dataclass(frozen=True)
class Lures:
    """What nothing may ever touch: a video outside of every data root, and an address that counts who asks for it."""

    canary: Path
    address: str
    """`127.0.0.1:PORT`"""

    @property
    def word(self) -> str:
        """A word inside the canary's folder that must never be shown."""
        return "CANARY-7f3a"


@dataclass(frozen=True)
class Case:
    """One broken (or strange) input."""

    name: str
    make: Callable[[Path, Lures], object]
    """Fills the folder, which is empty and becomes the data root."""
    accept: frozenset[str] = REFUSED
    """Ends that are right."""
    kind: Kind = "prepare"
    frames: int | None = None
    """Of the prepared clip, where it is `ok`; `None` is the reference's number."""
    like_reference: bool = True
    """Whether pictures of an `ok` clip have to show what the reference shows."""
    tolerance: float = 14.0
    """Largest mean difference from the reference in 8-bit steps."""
    core: bool = False
    """Part of the sample that is always run."""
    says: str = ""
    """A word that the reason has to hold."""
