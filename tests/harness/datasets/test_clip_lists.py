from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.datasets.clip_lists import ByName, find_all, read_clip_list, read_pair_list
from bench_lipsync.harness.errors import BenchError


def written(folder: Path, text: str) -> Path:
    (folder / "list.txt").write_text(text, encoding="utf-8")
    return folder / "list.txt"


def test_a_list_of_clips_has_a_name_a_line(tmp_path: Path) -> None:
    assert read_clip_list(written(tmp_path, "# mine\na.mp4\n\n  b/c  # the second\n")) == ("a.mp4", "b/c")


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("id1/v/00001 id2/w/00002\n", "audio,video", [("id2/w/00002", "id1/v/00001")]),  # Wav2Lip, Diff2Lip
        ("one.mp4 two.mp4", "video,audio", [("one.mp4", "two.mp4")]),  # ReSyncED, random pairs
        ("one.mp4 speech.wav", None, [("one.mp4", "speech.wav")]),  # ReSyncED, synthetic speech
        ("speech.wav,one", None, [("one", "speech.wav")]),
        ("audio\tvideo\nx\ty", None, [("y", "x")]),
        ("video,audio\nname with blanks,other", None, [("name with blanks", "other")]),
        ("a a\nb b\n", None, [("a", "a"), ("b", "b")]),  # own audio: the order does not matter
    ],
)
def test_lists_of_pairs_as_they_are_published(
    tmp_path: Path, text: str, order: str | None, expected: list[tuple[str, str]]
) -> None:
    assert list(read_pair_list(written(tmp_path, text), order)) == expected


@pytest.mark.parametrize(
    ("text", "order", "said"),
    [
        ("one.mp4 two.mp4\n", None, "does not say which column is the audio; give --pair-order"),
        ("one.mp4 two.wav\n", "audio,video", "in the order video,audio, and --pair-order says audio,video"),
        ("one two three\n", None, "line 1 has 3 columns; a pair has two"),
        ("one.mp4\n", None, "line 1 has 1 columns"),
        ("# nothing\n", None, "names nothing"),
        ("audio video\n", None, "names no pair"),
    ],
)
def test_the_order_of_columns_is_never_guessed(tmp_path: Path, text: str, order: str | None, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        read_pair_list(written(tmp_path, text), order)


def test_names_are_ids_or_ends_of_paths_with_or_without_suffix() -> None:
    paths = {"id1_v_00001": Path("/d/mp4/id1/v/00001.mp4"), "id2_v_00001": Path("/d/mp4/id2/v/00001.mp4")}
    found = ByName({name: name for name in paths}, paths)
    for name in ("id1_v_00001", "id1/v/00001", "id1/v/00001.mp4", "./mp4/id1/v/00001.mp4", "id1\\v\\00001"):
        assert found.find(name) == "id1_v_00001"
    assert found.find("id3/v/00001") is found.find("1/v/00001") is None
    with pytest.raises(BenchError, match=r"'v/00001' could be 2 clips \(id1_v_00001 and id2_v_00001\)"):
        found.find("v/00001")


def test_all_names_that_are_not_there_are_counted() -> None:
    with pytest.raises(BenchError, match=r"7 of 8 names in --clips are no clips: n0, n1, n2, n3, n4, \.\.\."):
        find_all(["a", *(f"n{number}" for number in range(7))], {"a": 1}, "--clips", "clips")
