from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from dataset_footage import touch
from hypothesis import given
from hypothesis import strategies as st

from bench_lipsync.harness.datasets.discover import (
    VIDEO_SUFFIXES,
    audio_beside,
    find_files,
    ids_from_paths,
    require_root,
    shown,
)
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.output_marker import mark_output, tag_cache


def names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find_files(root, VIDEO_SUFFIXES).files]


def test_finds_videos_of_any_case_and_depth_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.mp4", "A.MOV", "sub/deep/c.webm", "x.jpg", "x.wav", ".hidden.mp4", ".git/d.mp4", "._b.mp4", "mp4"):
        touch(tmp_path / name)
    (tmp_path / "folder.mp4").mkdir()
    assert names(tmp_path) == ["A.MOV", "b.mp4", "sub/deep/c.webm"]


def test_a_named_pipe_is_no_video(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert names(tmp_path) == []


def test_links_inside_are_followed_once_and_links_outside_refused(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside" / "secret.mp4")
    root = tmp_path / "root"
    touch(root / "real.mp4")
    touch(root / "blob.bin")
    (root / "again.mp4").symlink_to("real.mp4")  # the same file twice
    (root / "named.mp4").symlink_to("blob.bin")  # a content store behind readable names
    (root / "out.mp4").symlink_to(outside)
    (root / "up").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "gone.mp4").symlink_to("nothing.mp4")
    (root / "loop").symlink_to("loop")
    (root / "cycle").symlink_to(".", target_is_directory=True)
    found = find_files(root, VIDEO_SUFFIXES)
    assert [path.name for path in found.files] == ["named.mp4", "real.mp4"]
    assert len(found.notices) == 1
    for name in ("gone.mp4", "loop", "out.mp4", "up"):
        assert name in found.notices[0]


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "disk" / "a.mp4")
    root = tmp_path / "data"
    root.symlink_to(tmp_path / "disk", target_is_directory=True)
    found = find_files(root, VIDEO_SUFFIXES)
    assert found.files == (root / "a.mp4",) and not found.notices


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    try:
        assert "closed" in find_files(tmp_path, VIDEO_SUFFIXES).notices[0]
    finally:
        closed.chmod(0o755)


def test_ids_tell_paths_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.mp4", "a.avi", "A.mp4", "s/a.mp4", "s_a.mp4", "b.mp4")]
    ids = ids_from_paths(paths, tmp_path)
    assert ids[tmp_path / "b.mp4"] == "b"
    assert ids[tmp_path / "s_a.mp4"] == "s_a"
    assert len({name.casefold() for name in ids.values()}) == len(paths)
    assert ids == ids_from_paths(paths[::-1], tmp_path), "the order of files must not matter"


HOSTILE = ("<script>alert(1)<", "..", "...", "a\nb", "\u202efdp", "\u0661", "-rf", "con", "x" * 200, "\udcff", "é", " ")


def test_hostile_names_become_harmless_ids(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.mp4" for name in HOSTILE]
    ids = ids_from_paths(paths, tmp_path)
    assert len(set(ids.values())) == len(paths)
    for name in ids.values():
        assert name.isascii() and len(name) <= 110 and not set(name) - set(_HARMLESS) and name[0] not in ".-"


_HARMLESS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), unique=True, max_size=8))
def test_ids_are_unique_whatever_the_names(stems: list[str]) -> None:
    paths = [Path("root") / f"x{stem}.mp4" for stem in stems]
    ids = ids_from_paths(paths, Path("root"))
    assert len({name.casefold() for name in ids.values()}) == len(paths)


def test_shown_is_safe_to_print() -> None:
    assert shown("plain name.mp4") == "plain name.mp4"
    for name in HOSTILE:
        text = shown(f"{name}\x1b[2J")
        assert text.isprintable() and len(text) <= 160
        text.encode("utf-8")


def test_audio_beside_prefers_lossless_and_the_same_folder(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    audio = [tmp_path / "a.mp3", tmp_path / "a.WAV", tmp_path / "a.flac", tmp_path / "s" / "b.wav"]
    assert audio_beside([video, tmp_path / "b.mp4"], audio) == {video: tmp_path / "a.WAV"}


def test_a_root_that_is_missing_or_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="needs --data-root"):
        require_root(None, "folder", "videos")
    with pytest.raises(BenchError, match=r"nowhere.*does not exist"):
        require_root(tmp_path / "nowhere", "folder", "videos")
    with pytest.raises(BenchError, match=r"a\.mp4 is a file"):
        require_root(touch(tmp_path / "a.mp4"), "folder", "videos")


def test_output_of_bench_and_caches_are_no_footage(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    for kind in ("run", "previews", "study", "training"):
        touch(tmp_path / kind / "generated" / "b.mp4")
        mark_output(tmp_path / kind, kind)
    touch(tmp_path / "store" / "c.mp4")
    tag_cache(tmp_path / "store")
    touch(tmp_path / "not-a-cache" / "d.mp4")
    (tmp_path / "not-a-cache" / "CACHEDIR.TAG").write_text("something else")
    (tmp_path / "linked.mp4").symlink_to(tmp_path / "run" / "generated" / "b.mp4")
    found = find_files(tmp_path, VIDEO_SUFFIXES)
    assert [path.name for path in found.files] == ["a.mp4", "d.mp4"]
    said = [notice for notice in found.notices if "folders that bench wrote, and caches" in notice]
    assert len(said) == 1 and said[0].startswith("left out 5 (previews, run, store, study, training)")


def test_a_root_within_output_is_read_and_said(tmp_path: Path) -> None:
    """Somebody who names such a folder means it."""
    touch(tmp_path / "run" / "generated" / "b.mp4")
    (tmp_path / "run" / ".bench-output").write_text("damaged {")
    found = find_files(tmp_path / "run" / "generated", VIDEO_SUFFIXES)
    assert len(found.files) == 1
    assert "lies in a folder that bench wrote (output)" in found.notices[0]


def test_ids_do_not_depend_on_how_a_file_system_spells_a_name(tmp_path: Path) -> None:
    ids = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        for name in ("é/ü.mp4", "é/Ü.mp4", "é/ü.avi"):
            touch(root / unicodedata.normalize(form, name))
        files = find_files(root, VIDEO_SUFFIXES).files
        ids.append(set(ids_from_paths(files, root).values()))
    assert ids[0] == ids[1] and len(ids[0]) == 3


def test_two_spellings_of_a_name_in_one_folder_stay_apart(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        touch(tmp_path / f"{unicodedata.normalize(form, 'é')}.mp4")
    files = find_files(tmp_path, VIDEO_SUFFIXES).files
    assert len(set(ids_from_paths(files, tmp_path).values())) == 2
