"""Damaged videos, whose intact decoding is known, and intact ones of many kinds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import break_packets, write_video
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import Damage, decode_audio, decode_video

GOP = 30
KINDS = {
    "h264": ("a.mp4", "libx264", "yuv420p", {"g": str(GOP), "sc_threshold": "0", "threads": "1"}),
    "h264_ts": ("a.ts", "libx264", "yuv420p", {"g": str(GOP), "sc_threshold": "0", "threads": "1"}),
    "h264_intra": ("a.mp4", "libx264", "yuv420p", {"g": "1", "threads": "1"}),
    "mpeg4": ("a.avi", "mpeg4", "yuv420p", {"g": str(GOP)}),
    "mpeg4_b": ("a.mp4", "mpeg4", "yuv420p", {"g": str(GOP), "bf": "2"}),
    "mpeg2": ("a.ts", "mpeg2video", "yuv420p", {"g": str(GOP), "bf": "2"}),
    "hevc": ("a.mp4", "libx265", "yuv420p", {"preset": "ultrafast", "x265-params": f"log-level=none:keyint={GOP}"}),
    "prores": ("a.mov", "prores_ks", "yuv422p10le", {}),
}


def moving(count: int = 100) -> list[NDArray[np.uint8]]:
    """A picture that drifts, with some noise: every frame is predicted from others, and no packet is empty."""
    draw = np.random.default_rng(0)
    wide = draw.integers(40, 200, (64, 65 + count // 4, 3)).repeat(4, 0).repeat(4, 1)
    return [(wide[:, k : k + 256] + draw.integers(0, 40, (256, 256, 1))).astype(np.uint8) for k in range(count)]


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def made(kind: str) -> Path:
        name, codec, pixels, options = KINDS[kind]
        path = tmp_path_factory.mktemp(kind) / name
        return write_video(path, moving(), codec=codec, pixels=pixels, options=options)

    return made


def decoded(path: Path, **span: float) -> tuple[NDArray[np.uint8], Damage]:
    """The frames, whether or not they are refused at the end, and the damage."""
    damage, chunks = Damage(), []
    try:
        for chunk in decode_video(path, damage=damage, chunk=1, **span):
            chunks.append(chunk)
    except ClipError as error:
        assert error.status == Status.DECODE_ERROR and "frames are damaged" in error.reason
    return np.concatenate(chunks), damage


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_that_comes_out_wrong_is_counted(intact: Callable[[str], Path], kind: str) -> None:
    source = intact(kind)
    true, none = decoded(source)
    assert none.damaged_frames() == [] and none.notes() == []
    # HEVC's decoder takes noise for a picture; zeros make it leave the picture out.
    shown, damage = decoded(break_packets(source, range(40, 43), noise=kind != "hevc"))
    wrong = {index for index in range(100) if np.abs(true[index].astype(int) - shown[index]).max() > 8}
    found = set(damage.damaged_frames())
    assert wrong, "the test has to do damage"
    # A packet that is lost together with its header, and one that decodes all the same, are known by what follows.
    assert len(wrong - found) <= 2
    if kind != "hevc":  # Whether anything is predicted from a picture that was left out is not known.
        assert len(found - wrong) <= 4
    if kind not in ("prores", "h264_intra"):
        assert max(found) < 2 * GOP + 4, "not beyond the next key frame"


def test_few_damaged_frames_are_noted_and_many_are_an_error(intact: Callable[[str], Path]) -> None:
    few = break_packets(intact("h264_intra"), range(40, 43))
    damage = Damage()
    assert sum(map(len, decode_video(few, damage=damage))) == 100
    assert damage.notes() == ["3 of 100 frames are damaged or depend on damaged ones, the first at 1.60 s"]
    with pytest.raises(
        ClipError, match=r"1\d of 100 frames are damaged .* 1\.7\d s; replace it by an undamaged"
    ) as caught:
        list(decode_video(break_packets(intact("h264"), range(43, 44))))
    assert caught.value.status == Status.DECODE_ERROR


def test_only_the_frames_of_the_clip_count(intact: Callable[[str], Path]) -> None:
    broken = break_packets(intact("h264"), range(40, 43))
    for start, end in [(0.0, 1.4), (2.6, 4.0)]:
        assert decoded(broken, start=start, end=end)[1].notes() == []
    assert len(decoded(broken, start=2.0, end=4.0)[1].damaged_frames()) in range(8, 13)


def test_damage_before_a_seek_point_reaches_into_the_clip(tmp_path: Path) -> None:
    """Key frames every 4 s: the one before the clip is intact, the frames between the two are not."""
    options = {"g": "100", "sc_threshold": "0", "threads": "1"}
    source = write_video(tmp_path / "a.mp4", moving(480), codec="libx264", pixels="yuv420p", options=options)
    broken = break_packets(source, range(310, 312))
    inside = decoded(broken, start=14.0, end=16.0)[1]
    assert len(inside.damaged_frames()) == 50
    assert decoded(broken, start=16.2, end=18.0)[1].notes() == []


def test_what_nobody_takes_is_logged(intact: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        list(decode_video(break_packets(intact("h264_intra"), range(40, 42))))
    assert "broken.mp4: 2 of 100 frames are damaged" in caplog.text


def test_damaged_audio_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tone = (9000 * np.sin(np.arange(16000 * 4) / 5)).astype(np.int16)
    source = write_video(tmp_path / "a.mp4", moving(), codec="mpeg4", pixels="yuv420p", samples=tone, sound_codec="aac")
    damage = Damage()
    decode_audio(source, damage=damage)
    assert damage.notes() == []
    few = break_packets(source, range(7, 8), audio=True)
    decode_audio(few, damage=damage)
    assert damage.notes() and damage.bad_audio_packets == 1
    decode_audio(few, end=0.3)
    assert "damaged" not in caplog.text, "it lies behind the end"
    with pytest.raises(ClipError, match="audio packets are damaged; replace it") as caught:
        decode_audio(break_packets(source, range(4, 9), audio=True), end=3.0)
    assert caught.value.status == Status.DECODE_ERROR


def test_a_recording_that_begins_between_key_frames_is_not_damaged(intact: Callable[[str], Path]) -> None:
    source = intact("mpeg2")
    with av.open(str(source)) as container:
        begin = [packet.pos for packet in container.demux(video=0) if packet.size][10]
    cut = source.with_stem("cut")
    cut.write_bytes(source.read_bytes()[begin // 188 * 188 :])
    assert decoded(cut)[1].notes() == []


@pytest.mark.shared
def test_the_damaged_clip_of_a_report(shared: Path) -> None:
    """3 of 80 packets are broken; blocks lie over the mouth until the end."""
    with pytest.raises(ClipError, match=r"54 of 80 frames are damaged .*, the first at 1\.00 s"):
        list(decode_video(shared / "bugs" / "damaged_middle_demo.mp4"))
