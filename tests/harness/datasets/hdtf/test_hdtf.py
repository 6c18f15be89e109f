from __future__ import annotations

from pathlib import Path

import pytest
from dataset_footage import touch

from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.hdtf.dataset import HdtfDataset
from bench_lipsync.harness.datasets.hdtf.names import ClipName, identity_of, parse_clip_name
from bench_lipsync.harness.errors import BenchError


def clips(root: Path, split: str = "all") -> ClipList:
    return HdtfDataset().clips(ClipRequest(root, split))


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("WDA_AdamSchiff_000", ClipName("WDA", "AdamSchiff", 0)),
        ("RD_Radio34_002", ClipName("RD", "Radio34", 2)),
        ("AdamKinzinger2_1", ClipName(None, "AdamKinzinger2", 1)),
        ("WDA_LucilleRoybal-Allard_000", ClipName("WDA", "LucilleRoybal-Allard", 0)),
        ("AdamSchiff", None),
        ("adam_1", None),
        ("XYZ_AdamSchiff_000", None),
        ("WDA_Adam Schiff_000", None),
        ("WDA_AdamSchiff_000\n", None),
        ("WDA_../../etc_000", None),
        ("WDA_AdamSchiff_\u0661", None),
        ("WDA_" + "A" * 200 + "_000", None),
    ],
)
def test_clip_names(stem: str, parts: ClipName | None) -> None:
    assert parse_clip_name(stem) == parts


def test_identities() -> None:
    assert identity_of("KristiNoem2") == identity_of("KristiNoem") == "KristiNoem"
    assert identity_of("WhipJimClyburn") == identity_of("JamesClyburn1") == "JamesClyburn"
    assert identity_of("Radio1") == identity_of("Radio59") == "Radio"


def test_both_namings_with_audio_beside(tmp_path: Path) -> None:
    for name in ("clips/WRA_KristiNoem0_000.mp4", "JohnLewis1_0.mkv", "JohnLewis1_0.wav", "AdamSchiff.mp4", "x.mp4"):
        touch(tmp_path / name)
    found = clips(tmp_path)
    assert [(clip.id, clip.identity, clip.split) for clip in found.clips] == [
        ("JohnLewis1_0", "JohnLewis", "train"),
        ("WRA_KristiNoem0_000", "KristiNoem", "train"),
    ]
    assert found.clips[0].audio == tmp_path / "JohnLewis1_0.wav"
    assert "left out 2 (AdamSchiff.mp4, x.mp4)" in found.notices[0]


def test_of_two_copies_the_fuller_name_stays(tmp_path: Path) -> None:
    for name in ("AdamSchiff_0.mp4", "z/WDA_AdamSchiff_000.mp4"):
        touch(tmp_path / name)
    found = clips(tmp_path)
    assert [clip.id for clip in found.clips] == ["WDA_AdamSchiff_000"]
    assert "AdamSchiff_0.mp4" in found.notices[0] and "twice" in found.notices[0]


def test_full_videos_alone_show_the_way(tmp_path: Path) -> None:
    touch(tmp_path / "AdamSchiff.mp4")
    with pytest.raises(BenchError, match=r"AdamSchiff.*bench data prepare hdtf"):
        clips(tmp_path)


def test_splits(tmp_path: Path) -> None:
    for name in ("WDA_AdamSchiff_000", "WRA_RoyBlunt_000", "WRA_KristiNoem_000", "RD_Radio1_000"):
        touch(tmp_path / f"{name}.mp4")
    assert [clip.identity for clip in clips(tmp_path, "auto").clips] == ["AdamSchiff", "RoyBlunt"]
    assert {clip.identity for clip in clips(tmp_path, "train").clips} == {"KristiNoem", "Radio"}


@pytest.mark.shared
def test_real_folder(shared: Path) -> None:
    found = clips(shared / "media" / "hdtf", "auto")
    assert found.split == "all", "one test identity is not enough for the test split"
    assert [clip.id for clip in found.clips] == [
        "WDA_AlexandriaOcasioCortez_000",
        "WRA_EDTalkPose2_000",
        "WRA_KristiNoem_000",
    ]
