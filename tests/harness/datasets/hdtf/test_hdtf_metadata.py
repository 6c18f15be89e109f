from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from dataset_footage import write_hdtf_metadata

from bench_lipsync.harness.datasets.cutting import CropBox, IntervalStatus
from bench_lipsync.harness.datasets.hdtf.metadata import TEST_LIST, HdtfMetadata, read_metadata
from bench_lipsync.harness.datasets.hdtf.names import identity_of
from bench_lipsync.harness.datasets.splits import read_list
from bench_lipsync.harness.errors import BenchError

RADIO = "Radio"
"""One identity for all of RD: nobody published who speaks in `Radio1` ... `Radio59`, and a host may come back."""
PUBLISHED = ("AlexandriaOcasioCortez", "CarlyFiorina", "RoyBlunt")
"""Identities of StyleLipSync's published demo clips; whatever else the test list holds, it holds these."""
TEST_SIZE = 60
"""Identities on the test list: enough for intervals over identities, about a quarter of the people."""


def usable_identities(metadata: HdtfMetadata) -> set[str]:
    """Identities with at least one interval that can be cut."""
    return {interval.identity for interval in metadata.intervals if interval.problem is None}


def choose_test_identities(usable: Iterable[str]) -> list[str]:
    """The test list by its rule, sorted: `PUBLISHED`, then by smallest sha256 of the name up to `TEST_SIZE`.

    `RADIO` never goes in: with unknown speakers nothing shows that test and train would be disjoint.
    """
    others = sorted(set(usable) - {RADIO, *PUBLISHED}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return sorted([*PUBLISHED, *others[: TEST_SIZE - len(PUBLISHED)]])


def test_files_are_joined_by_name(tmp_path: Path) -> None:
    metadata = read_metadata(write_hdtf_metadata(tmp_path))
    assert [video.name for video in metadata.videos] == [
        *("JaneDoe0", "NoCrop", "Unnoted"),
        *("Nought", "Gone-Away", "TooLow"),
    ]
    found = {interval.id: interval for interval in metadata.intervals}
    assert (
        sorted(found)
        == list(found)
        == [
            "WDA_JaneDoe0_000",
            "WDA_JaneDoe0_001",
            "WDA_NoCrop_000",
            "WRA_Gone-Away_000",
            "WRA_Nought_000",
            "WRA_TooLow_000",
        ]
    )
    second = found["WDA_JaneDoe0_001"]
    assert (second.start, second.end, second.crop, second.identity) == (12, 14, CropBox(342, 20, 591), "JaneDoe")
    assert second.video.url.endswith("AAAAAAAAAAA") and second.video.resolution == 720
    assert {name: interval.problem.status for name, interval in found.items() if interval.problem} == {
        "WDA_NoCrop_000": IntervalStatus.NO_CROP_ROW,
        "WRA_Nought_000": IntervalStatus.RESOLUTION_0,
        "WRA_TooLow_000": IntervalStatus.CROP_OUTSIDE,
    }
    assert usable_identities(metadata) == {"JaneDoe", "Gone-Away"}


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("WDA_crop_wh", "JaneDoe0_0.mp4 342 591 0 590", "not a square"),
        ("WDA_crop_wh", "JaneDoe0_0.mp4 342 591 0", "needs 4 whole numbers"),
        ("WDA_crop_wh", "JaneDoe0_0.mp4 -5 591 0 591", "needs 4 whole numbers"),
        ("WDA_resolution", "JaneDoe0.mp4 720p", "needs 1 whole numbers"),
        ("WDA_annotion_time", "JaneDoe0.mp4 00:10-00:05", "ends before it begins"),
        ("WDA_annotion_time", "JaneDoe0.mp4 ten-eleven", "not MM:SS-MM:SS"),
        ("WDA_annotion_time", "JaneDoe0.mp4", "not a name followed by values"),
        ("WDA_annotion_time", "Stranger.mp4 00:10-00:15", "'?Stranger'? is not in WDA_video_url"),
        ("WDA_video_url", "JaneDoe0 https://evil.example/watch?v=AAAAAAAAAAA", "no YouTube address"),
        ("WDA_video_url", "JaneDoe0 https://www.youtube.com/watch?v=AAAAAAAAAAA;reboot", "no YouTube address"),
        ("WDA_video_url", "../JaneDoe https://www.youtube.com/watch?v=AAAAAAAAAAA", "not a name"),
        ("WDA_video_url", "JaneDoe0 https://www.youtube.com/watch?v=AAAAAAAAAAA\nJaneDoe0 x", "there twice"),
    ],
)
def test_malformed_rows_name_file_and_row(tmp_path: Path, file: str, line: str, message: str) -> None:
    write_hdtf_metadata(tmp_path, {file: [line]})
    with pytest.raises(BenchError, match=rf"(?s)WDA_.*{message}"):
        read_metadata(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write_hdtf_metadata(tmp_path) / "WRA_crop_wh.txt").unlink()
    with pytest.raises(BenchError, match=r"cannot read .*WRA_crop_wh\.txt.*MRzzm/HDTF"):
        read_metadata(tmp_path)


def test_hours_are_read(tmp_path: Path) -> None:
    write_hdtf_metadata(tmp_path, {"WDA_annotion_time": ["JaneDoe0.mp4 61:05-1:02:05"]})
    assert {interval.start for interval in read_metadata(tmp_path).intervals if interval.video.subset == "WDA"} == {
        3665
    }


def test_rule_of_the_test_list() -> None:
    people = [f"Person{letter}" for letter in "ABCDEFGHIJ" * 10]
    chosen = choose_test_identities([*people, *(f"P{number}x" for number in range(100)), RADIO])
    assert set(PUBLISHED) <= set(chosen) and RADIO not in chosen
    assert len(chosen) == len(set(chosen)) == TEST_SIZE and chosen == sorted(chosen)
    assert set(chosen) <= set(choose_test_identities([*people, *(f"P{number}x" for number in range(100))]))


def test_the_committed_list_is_disjoint_by_person() -> None:
    listed = read_list(TEST_LIST)
    assert len(listed) == TEST_SIZE and set(PUBLISHED) <= listed
    assert {identity_of(name) for name in listed} == listed, "an alias or a numbered name would leak a person"


@pytest.fixture(scope="module")
def real(shared: Path) -> HdtfMetadata:
    return read_metadata(shared / "media" / "hdtf_metadata")


@pytest.mark.shared
def test_real_metadata_is_complete(real: HdtfMetadata) -> None:
    assert len(real.videos) == 370
    assert Counter(video.subset for video in real.videos) == {"RD": 57, "WDA": 183, "WRA": 130}
    assert len(real.intervals) == 436
    assert sum(interval.crop is not None for interval in real.intervals) == 421
    hours = sum(interval.end - interval.start for interval in real.intervals) / 3600
    assert hours == pytest.approx(17.07, abs=0.005)
    cropped = sum(interval.end - interval.start for interval in real.intervals if interval.crop) / 3600
    assert cropped == pytest.approx(16.35, abs=0.005)


@pytest.mark.shared
def test_real_metadata_problems(real: HdtfMetadata) -> None:
    problems = Counter(interval.problem and interval.problem.status for interval in real.intervals)
    assert problems == {
        None: 416,
        IntervalStatus.NO_CROP_ROW: 15,
        IntervalStatus.RESOLUTION_0: 2,
        IntervalStatus.CROP_OUTSIDE: 3,
    }
    found = {one: one.problem.status for one in real.intervals if one.problem}
    outside = [one.id for one, status in found.items() if status is IntervalStatus.CROP_OUTSIDE]
    assert outside == ["WDA_MaggieHassan_000", "WDA_MazieHirono1_000", "WRA_PeterKing_000"]
    assert {one.video.name for one, status in found.items() if status is IntervalStatus.RESOLUTION_0} == {
        "KevinMcCarthy1"
    }


@pytest.mark.shared
def test_the_published_example_row(real: HdtfMetadata) -> None:
    (interval,) = [one for one in real.intervals if one.id == "WDA_AlexandriaOcasioCortez_000"]
    assert (interval.start, interval.end, interval.crop) == (5, 95, CropBox(342, 0, 591))
    assert interval.video.resolution == 720 and interval.video.url.endswith("=SP0MG9TecVM")


@pytest.mark.shared
def test_no_video_is_shared_between_identities(real: HdtfMetadata) -> None:
    people: dict[str, set[str]] = {}
    for video in real.videos:
        people.setdefault(video.url.partition("v=")[2][:11], set()).add(identity_of(video.name))
    assert all(len(names) == 1 for names in people.values())


@pytest.mark.shared
def test_the_committed_list_follows_from_the_rule(real: HdtfMetadata) -> None:
    assert sorted(read_list(TEST_LIST)) == choose_test_identities(usable_identities(real))
    test = [one for one in real.intervals if one.identity in read_list(TEST_LIST) and one.problem is None]
    assert len(test) == 101
