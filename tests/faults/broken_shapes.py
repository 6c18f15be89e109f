"""Pictures, lengths and clocks beyond any measure, and streams that are missing, doubled or lie about themselves."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from broken_case import ANY, REFUSED, Case, Lures
from broken_media import FRAMES, Picture, Sound, write
from mp4_boxes import find_box, in_box, patch_box, replace_box

Make = Callable[[Path, Lures], object]
SHORT = frozenset({"too_short"})
NO_FACE = frozenset({"no_face"})
TOO_LONG = frozenset({"too_long"})
SILENT = frozenset({"no_audio"})


@cache
def plain_mp4() -> bytes:
    """A good H.264 and AAC file whose index lies at its end."""
    return _made("plain.mp4")


@cache
def plain_ts() -> bytes:
    """A good MPEG-TS file."""
    return _made("plain.ts", Picture("mpeg2video"), Sound("mp2"))


def _made(name: str, picture: Picture | None = None, sound: Sound | None = None) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / name, [picture or Picture()], [sound or Sound()]).read_bytes()


def file(name: str, content: Callable[[], bytes]) -> Make:
    """Writes `content()` to `name`."""
    return lambda folder, lures: (folder / name).write_bytes(content())


def video(name: str, *pictures: Picture, sounds: list[Sound] | None = None, **more: object) -> Make:
    """Writes a video with these streams."""
    return lambda folder, lures: write(
        folder / name,
        pictures,
        [Sound()] if sounds is None else sounds,
        **more,  # type: ignore[arg-type]
    )


def _small(width: int, height: int, **more: object) -> Picture:
    if max(width, height) > 4000:
        return Picture("mjpeg", "yuvj420p", size=(width, height), **more)  # type: ignore[arg-type]
    return Picture("ffv1", "yuv444p", size=(width, height), **more)  # type: ignore[arg-type]


def _sizes() -> list[Case]:
    def sized(width: int, height: int, accept: frozenset[str], *, frames: int = 2, core: bool = False, says: str = ""):
        picture = _small(width, height, times=[k / 25 for k in range(frames)])
        return Case(f"size/{width}x{height}", video("a.mkv", picture), accept, core=core, says=says)

    return [
        sized(1, 1, NO_FACE | SHORT, frames=FRAMES, core=True),
        sized(2, 2, NO_FACE | SHORT, frames=FRAMES),
        sized(16, 16, NO_FACE | SHORT, frames=FRAMES),
        sized(3, 241, NO_FACE | SHORT, frames=FRAMES),
        sized(7680, 4320, SHORT, core=True),
        sized(8192, 16, SHORT),
        sized(8194, 16, REFUSED, core=True, says="8192"),
        sized(16, 16384, REFUSED, says="8192"),
        sized(8192, 8192, REFUSED, core=True, says="pixels"),
    ]


def _stated_size(width: int, height: int) -> bytes:
    """The plain file; the header claims another picture than the stream inside holds."""
    data = plain_mp4()
    data = patch_box(data, ["moov", "trak", "tkhd"], 84, struct.pack(">II", width << 16, height << 16))
    return patch_box(data, ["moov", "trak", "mdia", "minf", "stbl", "stsd"], 48, struct.pack(">HH", width, height))


def _h264_claims(width: int, height: int) -> bytes:
    """An H.264 stream whose own header asks for `width` x `height`; no picture follows that would fill it."""
    profile = f"{66:08b}" + "0" * 8 + f"{51:08b}"
    across, down = _ue(width // 16 - 1), _ue(height // 16 - 1)
    sps = _unit(0x67, profile + _ue(0) * 4 + _ue(1) + "0" + across + down + "1" + "1" + "0" + "0" + "1")
    pps = _unit(0x68, _ue(0) * 2 + "00" + _ue(0) * 3 + "0" + "00" + _ue(0) * 3 + "000" + "1")
    picture = _unit(0x65, _ue(0) + _ue(7) + _ue(0) + "0000" + _ue(0) + "00" + _ue(0) + "1") + b"\xff" * 40
    return (sps + pps + picture) * 60


def _unit(kind: int, bits: str) -> bytes:
    size = -(-len(bits) // 8)
    return b"\0\0\0\1" + bytes([kind]) + int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")


def _ue(value: int) -> str:
    """Exp-Golomb."""
    text = f"{value + 1:b}"
    return "0" * (len(text) - 1) + text


def _claims() -> list[Case]:
    huge = struct.pack(">II", 60000, 60000)
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + huge + b"\x08\x06\0\0\0" + bytes(4) + b"\0\0\0\0IEND" + bytes(4)
    gif = (
        b"GIF89a"
        + struct.pack("<HH", 65535, 65535)
        + b"\x80\0\0"
        + b"\0\0\0\xff\xff\xff"
        + b","
        + struct.pack("<HHHH", 0, 0, 65535, 65535)
        + b"\0\x02\x02L\x01\0;"
    )
    avi = bytearray(_made("a.avi", Picture("mjpeg", "yuvj420p"), Sound("pcm_s16le", 16000)))
    where = avi.index(b"strf") + 8 + 4
    avi[where : where + 8] = struct.pack("<ii", 65000, 65000)
    yuv = b"YUV4MPEG2 W30000 H30000 F25:1 Ip C420jpeg\nFRAME\n" + bytes(1000)
    return [
        Case("claim/mp4_header_65535", file("a.mp4", lambda: _stated_size(65535, 65535)), REFUSED | {"ok"}, core=True),
        Case("claim/h264_16384", file("a.mp4", lambda: _h264_claims(16384, 16384)), core=True),
        Case("claim/h264_8192", file("a.mp4", lambda: _h264_claims(8192, 8192))),
        Case("claim/h264_30000x16", file("a.mp4", lambda: _h264_claims(30000, 16))),
        Case("claim/mp4_100_million_samples", file("a.mp4", lambda: _sample_table(100_000_000)), ANY, core=True),
        Case("claim/mp4_20_million_samples", file("a.mp4", lambda: _sample_table(20_000_000)), ANY),
        Case("claim/mp4_fragment_of_80_million", file("a.mp4", lambda: _fragment(80_000_000)), ANY),
        Case("claim/mp4_fragment_of_2_billion", file("a.mp4", lambda: _fragment(2_000_000_000)), ANY),
        Case("claim/png_60000", file("a.mp4", lambda: png), core=True),
        Case("claim/gif_65535", file("a.mp4", lambda: gif)),
        Case("claim/avi_65000", file("a.avi", lambda: bytes(avi)), REFUSED | {"ok"}),
        Case("claim/y4m_30000", file("a.mp4", lambda: yuv)),
        Case("claim/zip_bomb_png", file("a.mov", _png_bomb_mov)),
    ]


def _sample_table(samples: int) -> bytes:
    """A few hundred bytes of index that stand for `samples` pictures of a byte each."""
    data = replace_box(plain_mp4(), [*_STBL, "stsz"], b"stsz", struct.pack(">III", 0, 1, samples))
    data = replace_box(data, [*_STBL, "stsc"], b"stsc", struct.pack(">IIIII", 0, 1, 1, samples, 1))
    return replace_box(data, [*_STBL, "stts"], b"stts", struct.pack(">IIII", 0, 1, samples, 1))


def _fragment(samples: int) -> bytes:
    """A fragment of an MP4 that claims `samples` pictures and describes none."""
    data = _made_with({"movflags": "frag_keyframe+empty_moov"})
    where = data.index(b"trun")
    body = b"\0\0\0\1" + struct.pack(">I", samples) + data[where + 12 : where + 16]
    return data[: where + 4] + body + data[where + 16 :]


def _made_with(options: dict[str, str]) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "a.mp4", [Picture()], [Sound()], options=options).read_bytes()


def _png_bomb_mov() -> bytes:
    """PNG frames that are tiny on disk and claim 30000 x 30000."""
    data = bytearray(_made("a.mov", Picture("png", "gray", size=(64, 64))))
    for start in _all(data, b"IHDR"):
        data[start + 4 : start + 12] = struct.pack(">II", 30000, 30000)
    return bytes(data)


def _all(data: bytes | bytearray, word: bytes) -> list[int]:
    places, start = [], data.find(word)
    while start >= 0:
        places.append(start)
        start = data.find(word, start + 1)
    return places


def _lengths() -> list[Case]:
    sparse = [9.0 * k for k in range(1200)]
    tiny = Picture("mpeg4", size=(64, 48), times=sparse)
    slow = Picture("mpeg4", size=(64, 48), times=[float(k) for k in range(3 * 3600)])
    year = [0.0, 0.04, *(9.9 * k for k in range(1, 1600))]
    return [
        Case("length/one_frame", video("a.mp4", Picture(times=[0.0])), SHORT, core=True),
        Case("length/0.04_s", video("a.mkv", Picture(times=[0.0]), sounds=[Sound("flac", seconds=0.04)]), SHORT),
        Case("length/39_frames", video("a.mp4", Picture(seconds=39 / 25)), SHORT),
        Case("length/3_h_sparse", video("a.mkv", tiny), TOO_LONG, core=True),
        Case("length/3_h_of_a_frame_a_second", video("a.mp4", slow, sounds=[Sound(seconds=60)]), TOO_LONG, says="3600"),
        Case("length/over_4_h", video("a.mkv", Picture("mpeg4", size=(64, 48), times=year)), TOO_LONG | REFUSED),
        Case("length/claims_90_h", file("a.mp4", lambda: _stated_hours(90)), REFUSED | TOO_LONG | {"ok"}, core=True),
        Case("length/claims_300_h_avi", file("a.avi", lambda: _avi_hours(300)), TOO_LONG | REFUSED, core=True),
        Case("length/claims_0_s", file("a.mp4", lambda: _stated_hours(0)), ANY),
        Case(
            "length/gap_of_an_hour",
            video("a.mkv", Picture(times=[0, 0.04, 3600, 3600.04])),
            REFUSED | TOO_LONG,
            core=True,
        ),
        Case("length/sound_3_h_late", video("a.mkv", Picture(), sounds=[Sound("flac", at=3 * 3600)]), SILENT | ANY),
        Case("length/sound_only_after_the_picture", video("a.mkv", Picture(), sounds=[Sound("flac", at=5)]), SILENT),
        Case(
            "length/sound_only_before_the_picture",
            video("a.ts", Picture(times=[60 + k / 25 for k in range(FRAMES)]), sounds=[Sound("mp2")]),
            SILENT | {"decode_error"},
        ),
    ]


def _stated_hours(hours: int) -> bytes:
    data = plain_mp4()
    start, _ = find_box(data, ["moov", "mvhd"])
    scale = int.from_bytes(data[start + 20 : start + 24], "big")
    data = patch_box(data, ["moov", "mvhd"], 24, struct.pack(">I", min(hours * 3600 * scale, 2**32 - 1)))
    data = patch_box(data, ["moov", "trak", "tkhd"], 28, struct.pack(">I", min(hours * 3600 * scale, 2**32 - 1)))
    where = ["moov", "trak", "mdia", "mdhd"]
    start, _ = find_box(data, where)
    scale = int.from_bytes(data[start + 20 : start + 24], "big")
    return patch_box(data, where, 24, struct.pack(">I", min(hours * 3600 * scale, 2**32 - 1)))


def _avi_hours(hours: int) -> bytes:
    data = bytearray(_made("a.avi", Picture("mjpeg", "yuvj420p"), Sound("pcm_s16le", 16000)))
    start = data.index(b"strh") + 8
    data[start + 32 : start + 36] = struct.pack("<I", hours * 3600 * 25)
    return bytes(data)


def _clocks() -> list[Case]:
    return [
        Case("clock/jumps_back", file("a.ts", lambda: plain_ts() + plain_ts()), ANY, like_reference=False, core=True),
        Case("clock/three_times_over", file("a.ts", lambda: plain_ts() * 3), ANY, like_reference=False),
        Case("clock/all_frames_at_once", file("a.mp4", _all_at_once), ANY, like_reference=False),
        Case(
            "clock/a_frame_lasts_a_day", file("a.mp4", lambda: _sample_delta(2**31 - 1)), REFUSED | TOO_LONG, core=True
        ),
        Case("clock/a_frame_lasts_a_blink", file("a.mp4", lambda: _sample_delta(1)), SHORT | REFUSED),
        Case("clock/no_time_scale", file("a.mp4", lambda: _timescale(0)), ANY, like_reference=False),
        Case("clock/largest_time_scale", file("a.mp4", lambda: _timescale(2**32 - 1)), ANY, like_reference=False),
        Case("clock/far_edit_list", file("a.mp4", lambda: _edit(2**30)), ANY, like_reference=False),
        Case("clock/empty_edit", file("a.mp4", lambda: _edit(-1)), ANY, like_reference=False),
        Case("clock/huge_composition_offsets", file("a.mp4", _composition), ANY, like_reference=False),
    ]


_STBL = ["moov", "trak", "mdia", "minf", "stbl"]


def _all_at_once() -> bytes:
    return _sample_delta(0)


def _sample_delta(ticks: int) -> bytes:
    return patch_box(plain_mp4(), [*_STBL, "stts"], 20, struct.pack(">I", ticks))


def _timescale(ticks: int) -> bytes:
    return patch_box(plain_mp4(), ["moov", "trak", "mdia", "mdhd"], 20, struct.pack(">I", ticks))


def _edit(start: int) -> bytes:
    return patch_box(plain_mp4(), ["moov", "trak", "edts", "elst"], 20, struct.pack(">i", start))


def _composition() -> bytes:
    body = struct.pack(">II", 0, 1) + struct.pack(">II", FRAMES, 2**31 - 5)
    return replace_box(plain_mp4(), [*_STBL, "ctts"], b"ctts", body) if b"ctts" in plain_mp4() else plain_mp4()[:-9]


def _streams() -> list[Case]:
    def encrypted() -> bytes:
        return in_box(plain_mp4(), [*_STBL, "stsd"], b"avc1", b"encv")

    def scrambled() -> bytes:
        data = bytearray(plain_ts())
        for start in range(0, len(data), 188):
            if int.from_bytes(data[start + 1 : start + 3], "big") & 0x1FFF >= 0x100:
                data[start + 3] |= 0x80
                data[start + 8 : start + 188] = bytes(x ^ 0xA5 for x in data[start + 8 : start + 188])
        return bytes(data)

    larger = Picture("mpeg2video", size=(320, 240))

    def changes() -> bytes:
        return plain_ts() + _made("b.ts", larger, Sound("mp2"))

    h264_changes = Picture(seconds=1.0)
    return [
        Case("streams/no_sound", video("a.mp4", Picture(), sounds=[]), SILENT, core=True),
        Case("streams/no_sound_in_ts", video("a.ts", Picture("mpeg2video"), sounds=[]), SILENT),
        Case("streams/only_sound", video("a.mp4", sounds=[Sound()]), core=True),
        Case("streams/only_sound_mka", video("a.mkv", sounds=[Sound("flac")])),
        Case("streams/only_a_cover", video("a.mp4", Picture("mjpeg", "yuvj420p", times=[0.0], cover=True))),
        Case("streams/mp3_as_mp4", video("a.mp4", sounds=[Sound("libmp3lame")], container="mp3")),
        Case("streams/digital_silence", _silence, SILENT, core=True),
        Case("streams/encrypted_mp4", file("a.mp4", encrypted), REFUSED | SILENT, core=True),
        Case("streams/scrambled_ts", file("a.ts", scrambled)),
        Case("streams/size_changes", file("a.ts", changes), core=True, says="changes"),
        Case(
            "streams/size_changes_in_h264",
            file(
                "a.ts",
                lambda: (
                    _made("a.ts", h264_changes, Sound("mp2")) + _made("b.ts", Picture(size=(320, 240)), Sound("mp2"))
                ),
            ),
        ),
        Case(
            "streams/unknown_codec",
            file("a.mp4", lambda: in_box(plain_mp4(), [*_STBL, "stsd"], b"avc1", b"zzzz")),
            REFUSED | SILENT,
        ),
        Case("streams/sixty", video("a.mkv", *[Picture("mpeg4", size=(32, 32), times=[0.0])] * 60), ANY),
        Case(
            "streams/three_hundred_sounds",
            video("a.mkv", Picture(), sounds=[Sound("pcm_u8", 8000, seconds=0.1)] * 300),
            {"ok", "decode_error"},
        ),
        Case(
            "streams/sound_of_one_sample",
            video("a.mkv", Picture(), sounds=[Sound("pcm_s16le", 16000, seconds=1 / 16000)]),
            SILENT | {"ok"},
        ),
        Case("streams/rate_of_1_hz", _wav(lambda data: _at(data, 24, struct.pack("<I", 1))), ANY),
        Case("streams/rate_of_2_ghz", _wav(lambda data: _at(data, 24, struct.pack("<I", 2**31 - 1))), ANY),
    ]


def _silence(folder: Path, lures: Lures) -> None:
    from bench_lipsync.harness.media import write_preview

    write_preview(folder / "a.mp4", [np.zeros((FRAMES, 64, 64, 3), np.uint8)], np.zeros(FRAMES * 640, np.int16))


def _at(data: bytes, where: int, what: bytes) -> bytes:
    return data[:where] + what + data[where + len(what) :]


def _wav(change: Callable[[bytes], bytes]) -> Make:
    """A good video without sound, and beside it a WAV with a fault."""

    def make(folder: Path, lures: Lures) -> None:
        write(folder / "a.mp4", [Picture()], [])
        write(folder / "a.wav", [], [Sound("pcm_s16le", 16000)])
        (folder / "a.wav").write_bytes(change((folder / "a.wav").read_bytes()))

    return make


def _beside() -> list[Case]:
    both = {"no_audio", "decode_error"}
    return [
        Case("beside/good", _wav(lambda data: data), frozenset({"ok"}), core=True),
        Case("beside/empty", _wav(lambda data: b""), core=True),
        Case("beside/header_only", _wav(lambda data: data[:44]), frozenset(both)),
        Case("beside/half", _wav(lambda data: data[: len(data) // 2]), frozenset({"ok"})),
        Case("beside/text", _wav(lambda data: b"This is no sound.\n" * 99)),
        Case("beside/no_channels", _wav(lambda data: _at(data, 22, b"\0\0")), frozenset(both)),
        Case("beside/65535_channels", _wav(lambda data: _at(data, 22, b"\xff\xff")), frozenset(both | {"ok"})),
        Case("beside/4_gb_stated", _wav(lambda data: _at(_at(data, 4, b"\xff" * 4), 40, b"\xff" * 4)), ANY),
        Case("beside/unknown_coding", _wav(lambda data: _at(data, 20, b"\x77\x77")), frozenset(both)),
        Case("beside/0_bits", _wav(lambda data: _at(data, 34, b"\0\0")), ANY),
        Case("beside/silence", _wav(lambda data: data[:44] + bytes(len(data) - 44)), SILENT),
        Case("beside/playlist", _wav(lambda data: b"#EXTM3U\n#EXTINF:1,\nother.wav\n#EXT-X-ENDLIST\n")),
    ]


def shape_cases() -> list[Case]:
    """All of them."""
    return [*_sizes(), *_claims(), *_lengths(), *_clocks(), *_streams(), *_beside()]
