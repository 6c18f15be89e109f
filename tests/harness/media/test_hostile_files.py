from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import click, grey, write_video

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import decode_audio, decode_video, probe
from bench_lipsync.harness.media.limits import MAX_SIDE


def text(path: Path) -> None:
    path.write_text("This is not a film.\n" * 100)


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\ngood.ts\n#EXT-X-ENDLIST\n")


def concat(path: Path) -> None:
    path.write_text("ffconcat version 1.0\nfile good.mkv\n")


def session(path: Path) -> None:
    path.write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n")


def dash(path: Path) -> None:
    path.write_text('<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period></Period></MPD>')


def picture_list(path: Path) -> None:
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))


KINDS: dict[str, Callable[[Path], object]] = {
    "text.mp4": text,
    "text.txt": text,
    "list.m3u8": playlist,
    "list.mp4": playlist,
    "list.ffconcat": concat,
    "concat.mp4": concat,
    "call.sdp": session,
    "dash.mpd": dash,
    "%d.jpg": picture_list,
    "empty.mp4": lambda path: path.touch(),
    "zeros.mkv": lambda path: path.write_bytes(bytes(10000)),
    "folder.mp4": lambda path: path.mkdir(),
    "missing.mp4": lambda path: None,
    "pipe.mp4": os.mkfifo,
    "dangling.mp4": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_not_a_video_is_a_decode_error(tmp_path: Path, name: str):
    write_video(tmp_path / "good.mkv", [grey(1)] * 5)
    write_video(tmp_path / "good.ts", [grey(1)] * 5, codec="mpeg2video", pixels="yuv420p")
    path = tmp_path / name
    KINDS[name](path)
    for use in (probe, lambda path: list(decode_video(path)), decode_audio):
        with pytest.raises(ClipError) as caught:
            use(path)
        assert caught.value.status == Status.DECODE_ERROR
        assert str(tmp_path) not in caught.value.reason


def test_names_that_look_like_addresses_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = write_video(tmp_path / "good.mkv", [grey(7)] * 5)
    for name in ("http:x.mkv", "concat:a|b.mkv", "-i.mkv", "a b'c\"$(d).mkv", "ümläut-日本.mkv"):
        path.rename(name)
        path = Path(name)
        assert sum(len(chunk) for chunk in decode_video(path)) == 5


def test_links_to_plain_files_are_followed(tmp_path: Path):
    write_video(tmp_path / "good.mkv", [grey(7)] * 5)
    (tmp_path / "link.mkv").symlink_to("good.mkv")
    assert probe(tmp_path / "link.mkv").video.width == 64


def test_sound_without_picture_is_no_video(tmp_path: Path):
    from bench_lipsync.harness.media import write_wav

    write_wav(tmp_path / "a.wav", click(0.5, 1.0))
    assert probe(tmp_path / "a.wav").video is None
    with pytest.raises(ClipError, match="no video stream"):
        list(decode_video(tmp_path / "a.wav"))


def test_half_a_file_is_truncated(tmp_path: Path):
    """An MP4 whose index lies in front still opens when its end is missing."""
    from bench_lipsync.harness.media import write_preview

    noise = np.random.default_rng(0).integers(0, 256, (100, 48, 64, 3), dtype=np.uint8)
    write_preview(tmp_path / "a.mp4", [noise], None)
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(ClipError, match=r"truncated|are damaged|Invalid data") as caught:
        list(decode_video(tmp_path / "b.mp4"))
    assert caught.value.status == Status.DECODE_ERROR


def damaged(path: Path, frames: int, broken: range) -> Path:
    """An FFV1 file in which the checksums of the frames `broken` do not fit."""
    import av

    path = write_video(path, [grey(k) for k in range(frames)])
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for number in broken:
        position, size = places[number]
        for offset in range(position + 10, position + size - 2):
            data[offset] ^= 0x5A
    path.write_bytes(bytes(data))
    return path


def test_a_few_broken_frames_are_bridged_and_many_are_an_error(tmp_path: Path):
    few = damaged(tmp_path / "few.mkv", 60, range(20, 24))
    assert sum(len(chunk) for chunk in decode_video(few)) == 60
    many = damaged(tmp_path / "many.mkv", 60, range(10, 50))
    with pytest.raises(ClipError, match=r"50 of 60 frames are damaged"):
        list(decode_video(many))


def test_limits_on_size_length_and_gaps(tmp_path: Path):
    wide = write_video(tmp_path / "wide.mkv", [grey(1, MAX_SIDE + 2, 16)] * 2, pixels="gray")
    with pytest.raises(ClipError, match="larger than"):
        list(decode_video(wide))
    with pytest.raises(ClipError, match="larger than"):
        probe(wide)
    gap = write_video(tmp_path / "gap.mkv", [grey(k) for k in range(4)], [0, 0.04, 3000, 3000.04])
    with pytest.raises(ClipError, match="no frame for"):
        list(decode_video(gap))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_ends_in_frames_or_a_clip_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("fuzz")
    name = data.draw(st.sampled_from(["a.mp4", "a.mkv", "a.avi", "a.ts", "a.webm"]))
    codec = {"a.mp4": "libx264", "a.mkv": "ffv1", "a.avi": "mpeg4", "a.ts": "mpeg2video", "a.webm": "libvpx"}[name]
    sound = {} if name == "a.webm" else {"samples": click(0.2, 0.6, 48000), "sound_rate": 48000, "sound_codec": "aac"}
    frames = [grey(10 * k) for k in range(15)]
    content = bytearray(write_video(folder / name, frames, codec=codec, pixels="yuv420p", **sound).read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    for use in (probe, lambda path: sum(len(chunk) for chunk in decode_video(path)), decode_audio):
        try:
            use(folder / name)
        except ClipError as error:
            assert error.status in (Status.DECODE_ERROR, Status.NO_AUDIO)
