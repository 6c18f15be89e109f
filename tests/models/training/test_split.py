"""Held-out identities: the rules, and what happens with few identities."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.training.split import split_by_hash, split_clips


class Recording(NamedTuple):
    id: str
    identity: str


def recordings(identities: int, each: int = 3) -> list[Recording]:
    return [Recording(f"{i}", f"speaker{i % identities:02}") for i in range(identities * each)]


@pytest.mark.parametrize("split", [split_clips, split_by_hash])
def test_held_out_identities_are_not_trained_on(split) -> None:
    clips = recordings(40)
    train, held_out = split(clips)
    assert held_out
    assert not {clip.identity for clip in train} & {clip.identity for clip in held_out}
    assert sorted([*train, *held_out]) == sorted(clips)
    assert train == [clip for clip in clips if clip in train], "in their order"


def test_every_sixteenth_identity_is_held_out_or_the_last() -> None:
    assert {clip.identity for clip in split_clips(recordings(40)).held_out} == {"speaker15", "speaker31"}
    assert {clip.identity for clip in split_clips(recordings(5)).held_out} == {"speaker04"}


def test_the_hash_holds_out_the_same_identities_whatever_the_others_are() -> None:
    held_out = {clip.identity for clip in split_by_hash(recordings(40)).held_out}
    assert held_out == {clip.identity for clip in split_by_hash(recordings(80)).held_out if clip.identity < "speaker40"}


def test_one_identity() -> None:
    clips = recordings(1)
    assert split_clips(clips) == (clips[:-1], clips[-1:])
    assert split_by_hash(clips) == (clips, [])
    held_out = split_by_hash(recordings(40)).held_out[0].identity
    only = [Recording("0", held_out)]
    assert split_by_hash(only) == (only, []), "something must be left to train on"
    with pytest.raises(BenchError, match="1 clips are long enough"):
        split_clips(clips[:1])
