from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.datasets import splits
from bench_lipsync.harness.datasets.hdtf.dataset import TEST_LIST as HDTF
from bench_lipsync.harness.datasets.voxceleb2.dataset import TEST_LIST as VOXCELEB2
from bench_lipsync.harness.errors import BenchError


def clip(name: str, identity: str) -> Clip:
    return Clip(name, identity, Path(f"{name}.mp4"))


CLIPS = [clip("c", "Cem"), clip("a2", "Ann"), clip("a1", "Ann"), clip("b", "Bob")]


def test_choose() -> None:
    test = frozenset({"Ann", "Bob", "Eve"})
    found = splits.choose("auto", CLIPS, test, ["before"])
    assert (found.split, [one.id for one in found.clips]) == ("test", ["a1", "a2", "b"])
    assert found.notices[0] == "before" and "2 of the 3" in found.notices[1] and "1 of 4 clips" in found.notices[2]
    assert [one.id for one in splits.choose("train", CLIPS, test).clips] == ["c"]
    everything = splits.choose("all", CLIPS, test)
    assert [(one.id, one.split) for one in everything.clips] == [
        *(("a1", "test"), ("a2", "test"), ("b", "test")),
        ("c", "train"),
    ]
    assert everything.notices == ()


def test_one_test_identity_is_not_enough_for_auto() -> None:
    assert splits.choose("auto", CLIPS, frozenset({"Ann"})).split == "all"
    assert splits.choose("test", CLIPS, frozenset({"Ann"})).split == "test"


def test_train_and_test_share_nobody() -> None:
    test = frozenset({"Ann"})
    sets = [{one.identity for one in splits.choose(name, CLIPS, test).clips} for name in ("train", "test")]
    assert not sets[0] & sets[1] and sets[0] | sets[1] == {"Ann", "Bob", "Cem"}


def test_errors() -> None:
    with pytest.raises(BenchError, match="no split is called 'dev'; known: auto, test, train, all"):
        splits.choose("dev", CLIPS, frozenset())
    with pytest.raises(BenchError, match="split 'test' is empty: of the 3 identities"):
        splits.choose("test", CLIPS, frozenset({"Eve"}))


@pytest.mark.parametrize("name", [HDTF, VOXCELEB2])
def test_committed_lists_are_sorted_unique_and_explained(name: str) -> None:
    lines = (splits.LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert entries == sorted(set(entries)) and len(lines) - len(entries) >= 3
