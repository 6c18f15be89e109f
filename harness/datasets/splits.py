"""Test splits as committed lists of identities, so that train and test never share a person."""

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
"""`auto` takes the test list only with this many of its identities on disk: one gives no interval and no pairs."""


def check_split(split: str) -> str:
    """`split` if it is one of `SPLITS`, else `BenchError`."""
    if split not in SPLITS:
        raise BenchError(f"no split is called {split!r}; known: {', '.join(SPLITS)}")
    return split


@lru_cache
def read_list(name: str) -> frozenset[str]:
    """The identities of `lists/NAME.txt`; lines that begin with `#` say what the list is and by which rule."""
    lines = (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def choose(split: str, clips: Sequence[Clip], test: frozenset[str], notices: Sequence[str] = ()) -> ClipList:
    """The clips of `split` (sorted by id), where `test` are the identities of the test list and `train` is the rest.

    `auto` is `test` if at least `MIN_TEST_IDENTITIES` of `test` are among `clips`, else `all`, and says which.
    Raises `BenchError` if the split is empty.
    """
    check_split(split)
    marked = sorted((replace(clip, split="test" if clip.identity in test else "train") for clip in clips), key=_id)
    present = sorted({clip.identity for clip in marked if clip.split == "test"})
    used, said = split, list(notices)
    if split == "auto":
        used = "test" if len(present) >= MIN_TEST_IDENTITIES else "all"
        said.append(f"split auto: {used} ({len(present)} of the {len(test)} test identities are here)")
    chosen = marked if used == "all" else [clip for clip in marked if clip.split == used]
    if not chosen:
        raise BenchError(
            f"split {used!r} is empty: of the {len({clip.identity for clip in marked})} identities found here "
            f"{len(present)} are on the test list of {len(test)}; --split all takes everything"
        )
    if used == "test" and len(chosen) < len(marked):
        said.append(f"{len(marked) - len(chosen)} of {len(marked)} clips belong to other identities and are left out")
    return ClipList(tuple(chosen), used, tuple(said))


def _id(clip: Clip) -> str:
    return clip.id
