from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from dataset_footage import touch

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.folder import FolderDataset
from bench_lipsync.harness.errors import BenchError


def clips(root: Path, split: str = "auto") -> ClipList:
    return FolderDataset().clips(ClipRequest(root, split))


def by_id(found: ClipList) -> dict[str, Clip]:
    return {clip.id: clip for clip in found.clips}


def test_flat_folder_every_clip_is_its_own_identity(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mkv", "a.wav", "note.txt", "poster.jpg"):
        touch(tmp_path / name)
    found = clips(tmp_path)
    assert [(clip.id, clip.identity, clip.audio) for clip in found.clips] == [
        ("a", "a", tmp_path / "a.wav"),
        ("b", "b", None),
    ]
    assert found.split == "all" and not found.notices


def test_top_most_subfolder_is_the_identity(tmp_path: Path) -> None:
    for name in ("ann/1.mp4", "ann/later/2.mp4", "bob/1.mp4", "solo.mp4"):
        touch(tmp_path / name)
    assert {clip.identity for clip in clips(tmp_path).clips} == {"ann", "bob", "solo"}
    assert [clip.identity for clip in clips(tmp_path).clips].count("ann") == 2


def test_one_folder_for_all_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "videos" / "1.mp4")
    touch(tmp_path / "videos" / "2.mp4")
    assert "one identity" in clips(tmp_path).notices[0]


def test_identities_table_overrides(tmp_path: Path) -> None:
    for name in ("x/1.mp4", "x/2.mp4", "3.mp4", "4.mp4"):
        touch(tmp_path / name)
    table = "file,identity,remark\nx/1.mp4,Ann,\n3.mp4,Ann,\nx/2.mp4,Bob & Co,\nno.mp4,Eve,\n"
    (tmp_path / "identities.csv").write_text("\ufeff" + table, encoding="utf-8")
    found = clips(tmp_path)
    who = {clip.video.name: clip.identity for clip in found.clips}
    assert who["1.mp4"] == who["3.mp4"] == "Ann"
    assert who["2.mp4"].startswith("Bob_Co-")
    assert who["4.mp4"] == "4"
    assert any("1 rows name no video" in notice for notice in found.notices)
    assert any("says nothing about 1 (4.mp4)" in notice for notice in found.notices)


def test_the_table_names_a_face_and_a_part(tmp_path: Path) -> None:
    for name in ("1.mp4", "2.mp4", "3.mp4"):
        touch(tmp_path / name)
    table = 'file,identity,box,start,end\n1.mp4,Ann,"100,0,200,300",,\n2.mp4,Ann,1 2 3 4,0,2.5\n3.mp4,Bob,,1.5,\n'
    (tmp_path / "identities.csv").write_text(table)
    parts = [(clip.box, clip.start, clip.end) for clip in clips(tmp_path).clips]
    assert parts == [((100, 0, 200, 300), None, None), ((1, 2, 3, 4), 0.0, 2.5), (None, 1.5, None)]


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_identities_table_may_spell_a_name_in_another_form(on_disk: str, in_table: str, tmp_path: Path) -> None:
    touch(tmp_path / unicodedata.normalize(on_disk, "é.mp4"))
    row = unicodedata.normalize(in_table, "é.mp4")
    (tmp_path / "identities.csv").write_text(f"file,identity\n{row},Ann\n", encoding="utf-8")
    found = clips(tmp_path)
    assert [clip.identity for clip in found.clips] == ["Ann"] and not found.notices


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("clip,person\n1.mp4,Ann\n", "needs the header file,identity"),
        ("", "needs the header"),
        ("file,identity\n1.mp4,\n", "line 2, '1.mp4': no identity"),
        ("file,identity\n1.mp4\n", "line 2, '1.mp4': no identity"),
        ("file,identity\n1.mp4,Ann\n1.mp4,Bob\n", "line 3: '1.mp4' has two rows with another identity each"),
        ("file,identity,end\n1.mp4,Ann,\n1.mp4,Ann,3\n", "line 3: '1.mp4' has two rows with another end each"),
        ('file,identity,box\n1.mp4,Ann,"1,2,3"\n', "line 2, '1.mp4': box '1,2,3': four whole numbers are needed"),
        ("file,identity,box\n1.mp4,Ann,0 0 0 9\n", "box '0 0 0 9': .*WIDTH and HEIGHT at least 1"),
        ("file,identity,box\n1.mp4,Ann,1,2,3,4\n", "line 2: more values than columns for '1.mp4'; put a box in quotes"),
        ("file,identity,start\n1.mp4,Ann,0:30\n", "line 2, '1.mp4': start '0:30' is no number of seconds, as in 12.5"),
        ("file,identity,end\n1.mp4,Ann,nan\n", "end 'nan' is no number of seconds"),
        ("file,identity,start,end\n1.mp4,Ann,5,2.5\n", "line 2, '1.mp4': end 2.5 lies before start 5"),
    ],
)
def test_bad_table_names_the_line(tmp_path: Path, table: str, message: str) -> None:
    touch(tmp_path / "1.mp4")
    (tmp_path / "identities.csv").write_text(table, encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        clips(tmp_path)


def test_table_that_is_no_text_or_leads_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root / "1.mp4")
    (root / "identities.csv").write_bytes(b"file,identity\n1.mp4,\xff\xfe\n")
    with pytest.raises(BenchError, match="is not UTF-8 text"):
        clips(root)
    (root / "identities.csv").unlink()
    (tmp_path / "elsewhere.csv").write_text("file,identity\n1.mp4,Ann\n")
    (root / "identities.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(BenchError, match="leads out of the data root"):
        clips(root)


def test_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    touch(tmp_path / "only.wav")
    with pytest.raises(BenchError, match=rf"no videos below {tmp_path}.*\.mp4.*\.webm"):
        clips(tmp_path)


def test_there_is_no_test_list(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert clips(tmp_path, "all").split == "all"
    with pytest.raises(BenchError, match="no test list"):
        clips(tmp_path, "test")
    with pytest.raises(BenchError, match="no split is called 'tset'"):
        clips(tmp_path, "tset")


def test_hostile_names_make_safe_clips(tmp_path: Path) -> None:
    for name in ("<script>.mp4", "\u202efdp.mp4", "a\nb.mp4", "a;rm -rf b.mp4", "n" * 240 + ".mp4", "-i.mp4"):
        touch(tmp_path / name)
        touch(tmp_path / "<img src=x>" / name)
    found = clips(tmp_path)
    assert len(by_id(found)) == 12
    for clip in found.clips:
        assert clip.video.exists()
        assert not set("<>\n;/ \u202e") & set(clip.id + clip.identity)


@pytest.mark.shared
@pytest.mark.parametrize(("folder", "count"), [("wild", 17), ("grid", 6), ("mead", 4), ("edge", 5)])
def test_real_folders(shared: Path, folder: str, count: int) -> None:
    found = clips(shared / "media" / folder)
    assert len(found.clips) == count and not found.notices
    assert all(clip.id == clip.video.stem == clip.identity for clip in found.clips)
