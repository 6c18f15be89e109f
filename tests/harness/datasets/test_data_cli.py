from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_command import bench
from dataset_footage import noise, numbered, touch, write_hdtf_metadata, write_movie

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.errors import BenchError, Status
from bench_lipsync.harness.stages.source import clip_seconds
from bench_lipsync.harness.stages.verify_clip import verify_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    write_movie(root / "ann" / "good.mp4", [numbered(index) for index in range(50)], noise(2.0))
    write_movie(root / "bob" / "mute.mp4", [numbered(index) for index in range(50)])
    write_movie(root / "cem" / "beside.mp4", [numbered(index) for index in range(50)])
    write_movie(root / "cem" / "beside.mkv", [numbered(0)], noise(2.0)).rename(root / "cem" / "beside.m4a")
    (root / "dan").mkdir()
    (root / "dan" / "<script>.mp4").write_bytes(b"\0" * 5000)
    return root


def test_list(clips: Path) -> None:
    result = bench("list", "folder", "--data-root", clips)
    assert result.exit_code == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[1:4] for line in lines] == [
        ["ann", "2.00", "all"],
        ["bob", "2.00", "all"],
        ["cem", "2.00", "all"],
        ["dan", "?", "all"],
    ]
    assert "4 clips, 4 identities" in result.stderr


def test_list_as_json_is_json_alone(clips: Path) -> None:
    answer = json.loads(bench("list", "folder", "--data-root", clips, "--json", "--limit", "2").stdout)
    assert (answer["dataset"], answer["split"], len(answer["clips"])) == ("folder", "all", 2)
    assert answer["clips"][0]["file"].endswith("mute.mp4") and answer["clips"][0]["seconds"] == pytest.approx(2.0)


def test_list_without_opening_anything(tmp_path: Path) -> None:
    touch(tmp_path / "id00012" / "v" / "00001.mp4")
    result = bench("list", "voxceleb2", "--data-root", tmp_path, "--no-seconds")
    assert result.stdout.startswith("id00012_v_00001\tid00012\t?\ttrain\t")
    assert "note: split auto: all" in result.stderr


def test_verify_gives_every_clip_a_status(clips: Path) -> None:
    result = bench("verify", "folder", "--data-root", clips, "--json")
    assert result.exit_code == 1
    rows = {row["identity"]: row for row in json.loads(result.stdout)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "ann": "ok",
        "bob": "no_audio",
        "cem": "ok",
        "dan": "decode_error",
    }
    assert (rows["ann"]["seconds"], rows["ann"]["width"], rows["ann"]["height"]) == (2.0, 320, 180)
    assert "2 of 4 clips can be read" in result.stderr
    assert bench("verify", "folder", "--data-root", clips / "ann").exit_code == 0


def test_verify_says_when_sound_ends_early_and_respects_the_span(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mp4", [numbered(index) for index in range(50)], noise(0.5))
    verdict = verify_clip(Clip("a", "a", path))
    assert verdict.status is Status.OK and verdict.reason == "the audio has 0.50 s, the video 2.00 s"
    part = Clip("a", "a", path, start=0.2, end=0.6)
    assert verify_clip(part).seconds == pytest.approx(0.4) == clip_seconds(part)


def test_prepare_end_to_end(tmp_path: Path) -> None:
    metadata = write_hdtf_metadata(tmp_path / "metadata")
    write_movie(tmp_path / "videos" / "JaneDoe0.mp4", [numbered(index) for index in range(100)], noise(4))
    out = tmp_path / "out"
    command = ("prepare", "hdtf", "--data-root", tmp_path / "videos", "--metadata", metadata, "--out", out)
    dry = bench(*command, "--dry-run", "--json")
    assert dry.exit_code == 0 and not out.exists()
    fates = [row["status"] for row in json.loads(dry.stdout)]
    assert fates == ["planned", "planned", "no_crop_row", "video_missing", "resolution_0", "crop_outside"]
    first = bench(*command, "--limit", "1")
    assert first.exit_code == 0 and "WDA_JaneDoe0_000\tok" in first.stdout
    everything = bench(*command)
    assert everything.exit_code == 1, "a video is missing and another too short"
    assert (out / "hdtf_report.csv").read_text().count("\n") == 7
    assert "WDA_JaneDoe0_000\tok\twas there already" in everything.stdout
    assert bench("verify", "hdtf", "--data-root", out).exit_code == 0


def test_prepare_says_which_links_it_does_not_follow(tmp_path: Path) -> None:
    metadata = write_hdtf_metadata(tmp_path / "metadata")
    write_movie(tmp_path / "elsewhere.mp4", [numbered(0)] * 30, noise(1.2))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "JaneDoe0.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    done = bench("prepare", "hdtf", "--data-root", tmp_path / "videos", "--metadata", metadata, "--out", tmp_path / "o")
    assert done.exit_code == 1 and "WDA_JaneDoe0_000\tvideo_missing" in done.stdout
    assert (
        "left out 1 (JaneDoe0.mp4): symbolic links that lead nowhere, out of the data root, or to output of bench"
        in done.stderr
    )


def test_wrong_use_names_the_way_out(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    with pytest.raises(BenchError, match="no dataset is called 'foldr'; did you mean folder"):
        bench("list", "foldr", "--data-root", tmp_path)
    with pytest.raises(BenchError, match="needs --data-root"):
        bench("list", "hdtf")
    with pytest.raises(BenchError, match="'demo' needs no preparation; hdtf and voxceleb2"):
        bench("prepare", "demo", "--data-root", tmp_path, "--metadata", tmp_path, "--out", tmp_path / "o")
    for option in ("--min-face", "--margin"):
        done = bench(
            *("prepare", "hdtf", "--data-root", tmp_path, "--metadata", tmp_path, "--out", tmp_path / "o", option, "1")
        )
        assert done.exit_code == 2 and f"{option}: is for voxceleb2" in done.stderr
    with pytest.raises(BenchError, match="is no folder"):
        bench("prepare", "hdtf", "--data-root", tmp_path / "x", "--metadata", tmp_path, "--out", tmp_path / "o")
    write_hdtf_metadata(tmp_path / "metadata")
    command = ("prepare", "hdtf", "--data-root", tmp_path, "--metadata", tmp_path / "metadata", "--out")
    with pytest.raises(BenchError, match=r"cannot make the folder .*a\.mp4/o: Not a directory"):
        bench(*command, tmp_path / "a.mp4" / "o")
    with pytest.raises(BenchError, match="RD_video_url"):
        bench("prepare", "hdtf", "--data-root", tmp_path, "--metadata", tmp_path, "--out", tmp_path / "o")


@pytest.mark.parametrize("command", [(), ("list",), ("verify",), ("prepare",)])
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    result = bench(*command, "--help")
    assert result.exit_code == 0 and "Example: bench data" in result.stdout


@pytest.mark.shared
def test_real_edge_clips_end_with_a_status(shared: Path) -> None:
    result = bench("verify", "folder", "--data-root", shared / "media" / "edge", "--json")
    statuses = {row["id"]: row["status"] for row in json.loads(result.stdout)}
    assert statuses == {
        "no_audio_stream_musetalk_sun": "no_audio",
        "short_lrs2_demo": "too_short",
        "silent_audio_liveportrait_d18": "no_audio",
        "synthetic_vexpress_vasa10": "ok",
        "two_faces_interview": "ok",
    }
    assert result.exit_code == 1
