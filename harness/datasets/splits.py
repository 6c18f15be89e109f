"""Test splits as committed lists of identities, so that train and test never share a speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList
from bench_lipsync.harness.errors import BenchError

LISTS = Path(__file__).parent / "lists"
SPLITS = ("auto", "test", "train", "all")
MIN_TEST_IDENTITIES = 2
"""`auto` selects the test list only with this many of its identities on disk: one allows no interval and no pairs."""


def check_split(split: str) -> str:
    """Return `split` if it is one of `SPLITS`; raises `BenchError` otherwise."""
    if split not in SPLITS:
        raise BenchError(f"no split is called {split!r}; known: {', '.join(SPLITS)}")
    return split


@lru_cache
def read_list(name: str) -> frozenset[str]:
    """The identities of `lists/NAME.txt`; lines that begin with `#` describe the list and its rule."""
    lines = (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def choose(split: str, clips: Sequence[Clip], test: frozenset[str], notices: Sequence[str] = ()) -> ClipList:
    """Select the clips of a split, sorted by id.

    Args:
        split: One of `SPLITS`. `auto` is `test` if `MIN_TEST_IDENTITIES` of the test identities are present, else
            `all`; a notice says which.
        clips: All clips of the dataset.
        test: The identities of the test list; all others are `train`.
        notices: Earlier notices, which come first in the result.

    Raises:
        BenchError: Unknown or empty split.
    """
    check_split(split)
    marked = [replace(clip, split="test" if clip.identity in test else "train") for clip in clips]
    marked.sort(key=lambda clip: clip.id)
    present = sorted({clip.identity for clip in marked if clip.split == "test"})
    used, messages = split, list(notices)
    if split == "auto":
        used = "test" if len(present) >= MIN_TEST_IDENTITIES else "all"
        messages.append(f"split auto: {used} ({len(present)} of the {len(test)} test identities are here)")
    selected = marked if used == "all" else [clip for clip in marked if clip.split == used]
    if not selected:
        raise BenchError(
            f"split {used!r} is empty: of the {len({clip.identity for clip in marked})} identities found here "
            f"{len(present)} are on the test list of {len(test)}; --split all takes everything"
        )
    if used == "test" and len(selected) < len(marked):
        messages.append(
            f"{len(marked) - len(selected)} of {len(marked)} clips belong to other identities and are left out"
        )
    return ClipList(tuple(selected), used, tuple(messages))
