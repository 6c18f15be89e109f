from __future__ import annotations

from pathlib import Path

import pytest
from dataset_footage import touch

from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.splits import read_list
from bench_lipsync.harness.datasets.voxceleb2.dataset import TEST_LIST, VoxCeleb2Dataset
from bench_lipsync.harness.errors import BenchError


def clips(root: Path, split: str = "auto") -> ClipList:
    return VoxCeleb2Dataset().clips(ClipRequest(root, split))


@pytest.mark.parametrize("top", ["mp4", "dev/mp4", "test/mp4", "."])
def test_every_layout(tmp_path: Path, top: str) -> None:
    touch(tmp_path / top / "id00012" / "21Uxsk56VDQ" / "00001.mp4")
    (clip,) = clips(tmp_path).clips
    assert (clip.id, clip.identity) == ("id00012_21Uxsk56VDQ_00001", "id00012")


def test_the_root_may_be_one_identity(tmp_path: Path) -> None:
    touch(tmp_path / "id00012" / "-1Uxsk56VD_" / "00001.mp4")
    (clip,) = clips(tmp_path / "id00012").clips
    assert clip.id == "id00012_-1Uxsk56VD__00001"


def test_auto_takes_the_test_list_from_two_identities_on(tmp_path: Path) -> None:
    for identity in ("id00017", "id00012", "id00018"):
        touch(tmp_path / "mp4" / identity / "v" / "00001.mp4")
    found = clips(tmp_path)
    assert (found.split, len(found.clips)) == ("all", 3)
    assert "auto: all (1 of the 118 test identities" in found.notices[0]
    assert [clip.split for clip in found.clips] == ["train", "test", "train"]
    touch(tmp_path / "mp4" / "id00061" / "v" / "00001.mp4")
    found = clips(tmp_path)
    assert (found.split, [clip.identity for clip in found.clips]) == ("test", ["id00017", "id00061"])
    assert any("2 of 4 clips belong to other identities" in notice for notice in found.notices)
    assert [clip.identity for clip in clips(tmp_path, "train").clips] == ["id00012", "id00018"]
    assert len(clips(tmp_path, "all").clips) == 4


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "id00012" / "v" / "00001.mp4")
    with pytest.raises(BenchError, match=r"split 'test' is empty.*--split all"):
        clips(tmp_path, "test")


def test_strangers_and_copies_are_said(tmp_path: Path) -> None:
    touch(tmp_path / "mp4" / "id00012" / "v" / "00001.mp4")
    touch(tmp_path / "backup" / "id00012" / "v" / "00001.mp4")
    touch(tmp_path / "mp4" / "id٠٠٠١٢" / "v" / "00001.mp4")
    touch(tmp_path / "readme.mp4")
    found = clips(tmp_path)
    assert len(found.clips) == 1
    assert "left out 2" in found.notices[0] and "twice" in found.notices[1]
    with pytest.raises(BenchError, match="expected VoxCeleb2 utterances"):
        clips(touch(tmp_path / "other" / "x.mp4").parent)


def test_the_committed_list() -> None:
    listed = read_list(TEST_LIST)
    assert len(listed) == 118
    assert all(len(name) == 7 and name.startswith("id") and name[2:].isdigit() for name in listed)


@pytest.mark.shared
def test_the_committed_list_is_the_published_one(shared: Path) -> None:
    lists = shared / "media" / "filelists" / "voxceleb2"
    assert read_list(TEST_LIST) == set((lists / "voxceleb2_test_118_ids.txt").read_text().split())
    pairs = (lists / "voxceleb2_test_n_5000_reconstruction_5k.txt").read_text().split()
    assert {pair.partition("/")[0] for pair in pairs} == read_list(TEST_LIST)


@pytest.mark.shared
def test_real_folder(shared: Path) -> None:
    found = clips(shared / "media" / "voxceleb2")
    assert found.split == "test"
    assert [clip.identity for clip in found.clips] == ["id06209", "id06816", "id07312", "id07414"]
    assert len(clips(shared / "media" / "voxceleb2", "all").clips) == 8
