"""What a study asks: which videos, which pairs, which checks, and the key that only its maker has.

Videos are numbered in a shuffled order, so that neither a file's name nor its place tells which model made it. The key
says which number is which; it stays with the maker, the page goes to the raters.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import sha256_json

ASPECTS = ("lip-sync", "identity", "naturalness", "quality")
"""What every video is rated for from 1 (bad) to 5 (excellent), and every pair compared by."""
KEY_VERSION = 1
Kind = Literal["rating", "pair", "check-rating", "check-pair"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Record):
    """One question."""

    id: str
    kind: Kind
    clip: str
    models: tuple[str, ...]
    """One row for a rating, two for a pair: the first is the one that `-1` prefers."""
    videos: tuple[str, ...]
    """Names of their files in the page's `media/`."""
    expected: int | None = None
    """What a check must be answered with for every aspect; 0 is no difference."""


class Key(_Record):
    """What the maker keeps: which item shows which model."""

    version: int = KEY_VERSION
    study: str
    """Hash over the items; answers carry it, so that they cannot be scored by another study's key."""
    runs: tuple[str, ...]
    """Hashes of the runs' specifications."""
    models: tuple[str, ...]
    """Rows in the order of the table."""
    aspects: tuple[str, ...] = ASPECTS
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Videos:
    """Rows that have a preview, by clip, in the order of the table."""

    rows: tuple[str, ...]
    clips: dict[str, tuple[str, ...]]


def make_key(videos: Videos, runs: tuple[str, ...], seed: int = 0, checks: int = 2) -> Key:
    """All questions about `videos`: every one is rated, every two rows of a clip are compared, and `checks` checks
    of each kind are added: a video that says what to answer, and a pair that is one video twice.

    Raises `BenchError` where there is nothing to ask.
    """
    shown = [(clip, row) for clip, rows in videos.clips.items() for row in rows]
    if not shown:
        raise BenchError("these runs hold no previews to ask about (media/MODEL/CLIP.mp4); run with a report")
    rng = random.Random(seed)  # noqa: S311 (an order, no secret: the key is not in the page)
    order = rng.sample(range(len(shown)), len(shown))
    names = {pair: f"v{number:04}.mp4" for pair, number in zip(shown, order, strict=True)}
    items: list[tuple[Kind, str, tuple[str, ...], int | None]] = [("rating", clip, (row,), None) for clip, row in shown]
    items += [("pair", clip, two, None) for clip, rows in videos.clips.items() for two in combinations(rows, 2)]
    items += [("check-rating", *_one(pair), 1 + n % 5) for n, pair in enumerate(_some(shown, checks, rng), 1)]
    items += [("check-pair", pair[0], (pair[1], pair[1]), 0) for pair in _some(shown, checks, rng)]
    rng.shuffle(items)
    numbered = tuple(
        Item(
            id=f"q{number:04}",
            kind=kind,
            clip=clip,
            models=rows,
            videos=tuple(names[clip, row] for row in rows),
            expected=expected,
        )
        for number, (kind, clip, rows, expected) in enumerate(items)
    )
    study = sha256_json([item.model_dump(mode="json") for item in numbered])[:16]
    return Key(study=study, runs=runs, models=videos.rows, items=numbered)


def _one(pair: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    return pair[0], (pair[1],)


def _some(shown: list[tuple[str, str]], count: int, rng: random.Random) -> list[tuple[str, str]]:
    return rng.sample(shown, min(count, len(shown)))
