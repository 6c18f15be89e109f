"""Unusual files with nothing wrong in them: each has to come out as the plain file does."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from broken_case import ANY, LEGAL, REFUSED, Case, Lures
from broken_media import FRAMES, HEIGHT, SECONDS, WIDTH, Picture, Sound, write
from numpy.typing import NDArray

_VP9 = {"cpu-used": "8", "deadline": "realtime"}
_AV1 = {"preset": "12", "svtav1-params": "lp=1"}
_X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
_IRREGULAR = [k / 25 + (0.011 if k % 3 == 1 else 0.0) for k in range(FRAMES)]
_SLOWING = [0.02 * k for k in range(42)] + [0.84 + 0.06 * k for k in range(14)]


def _file(name: str, pictures: list[Picture], sounds: list[Sound] | None = None, **more: object):
    def make(folder: Path, lures: Lures) -> None:
        write(folder / name, pictures, [Sound()] if sounds is None else sounds, **more)  # type: ignore[arg-type]

    return make


def _turned(picture: NDArray[np.uint8], quarter: int) -> NDArray[np.uint8]:
    return np.rot90(picture, quarter)


def _rotated(degrees: int) -> Picture:
    # Stored turned the other way, so that it is shown upright.
    size = (HEIGHT, WIDTH) if degrees % 180 else (WIDTH, HEIGHT)
    return Picture(show=lambda picture: _turned(picture, -degrees // 90), size=size, rotation=degrees)


def _case(name: str, file: str, *pictures: Picture, sounds: list[Sound] | None = None, **case: object) -> Case:
    more = {key: case.pop(key) for key in ("options", "container", "attach") if key in case}
    accept = case.pop("accept", LEGAL)
    make = _file(file, list(pictures), sounds, **more)
    return Case(f"legal/{name}", make, accept, **case)  # type: ignore[arg-type]


def _unlike(name: str, file: str, *pictures: Picture, **case: object) -> Case:
    """Legal, and shows something else than the reference (turned a little, other brightness)."""
    return _case(name, file, *pictures, like_reference=False, **case)


def legal_cases() -> list[Case]:
    """All of them."""
    plain = Picture()
    ten = Picture("libx265", "yuv420p10le", options=_X265)
    return [
        _case("plain", "a.mp4", plain, core=True),
        _case("ten_bit_hevc", "a.mp4", ten, core=True),
        _case("ten_bit_av1", "a.mkv", Picture("libsvtav1", "yuv420p10le", options=_AV1)),
        _case("ten_bit_444_prores", "a.mov", Picture("prores_ks", "yuv444p10le")),
        _case("sixteen_bit_ffv1", "a.mkv", Picture("ffv1", "yuv444p16le")),
        _case("bt2020", "a.mp4", Picture("libx265", "yuv420p10le", options=_X265, colour=(9, 9, 14))),
        _unlike("hdr_pq", "a.mp4", Picture("libx265", "yuv420p10le", options=_X265, colour=(9, 9, 16)), core=True),
        _unlike("hdr_hlg", "a.mp4", Picture("libx265", "yuv420p10le", options=_X265, colour=(9, 9, 18))),
        _case("bt709", "a.mp4", Picture(colour=(1, 1, 1))),
        _case("full_range", "a.mp4", Picture(pixels="yuvj420p")),
        _case("interlaced_h264", "a.mp4", Picture(options={"flags": "+ildct+ilme", "x264-params": "tff=1"}), core=True),
        _case(
            "interlaced_mpeg2", "a.mpg", Picture("mpeg2video", options={"flags": "+ildct+ilme"}), sounds=[Sound("mp2")]
        ),
        *(_case(f"rotated_{d}", "a.mp4", _rotated(d), core=d == 90) for d in (90, 180, 270)),
        _case("rotated_1", "a.mp4", Picture(rotation=1)),
        _case("rotated_30_rounds_to_0", "a.mp4", Picture(rotation=30)),
        _case("variable_rate", "a.mp4", Picture(times=_IRREGULAR), core=True),
        _case("slowing_rate", "a.mkv", Picture(times=_SLOWING)),
        _case("rate_1000", "a.mp4", Picture("mpeg4", rate=1000), core=True),
        _case("rate_240", "a.mov", Picture("mpeg4", rate=240)),
        _case("rate_29_97", "a.mp4", Picture(rate=Fraction(30000, 1001)), tolerance=20.0),
        _case("rate_12_5", "a.mp4", Picture(rate=Fraction(25, 2)), tolerance=24.0),
        _case("stated_50_holds_25", "a.avi", Picture("mpeg4", rate=50, times=_every(25), tick=Fraction(1, 50))),
        _case("sound_7_1", "a.mkv", plain, sounds=[Sound("flac", 48000, "7.1")], core=True),
        _case("sound_5_1", "a.mp4", plain, sounds=[Sound(layout="5.1")]),
        _case("sound_8_khz", "a.mov", plain, sounds=[Sound("pcm_s16le", 8000)]),
        _case("sound_96_khz_24_bit", "a.mov", plain, sounds=[Sound("pcm_s24le", 96000, "stereo", "s32")]),
        _case("sound_192_khz", "a.mkv", plain, sounds=[Sound("flac", 192000, "stereo")]),
        _case("sound_float", "a.mkv", plain, sounds=[Sound("pcm_f32le", 44100)]),
        _case("sound_double", "a.mkv", plain, sounds=[Sound("pcm_f64le", 44100, "stereo")]),
        _case("sound_8_bit", "a.avi", Picture("mpeg4"), sounds=[Sound("pcm_u8", 11025)]),
        _case("sound_alaw", "a.mov", plain, sounds=[Sound("pcm_alaw", 8000)]),
        _case("sound_shorter", "a.mp4", plain, sounds=[Sound(seconds=0.4)], core=True),
        _case("sound_longer", "a.mp4", plain, sounds=[Sound(seconds=9)]),
        _case("sound_late", "a.mkv", plain, sounds=[Sound("flac", at=0.9)]),
        _case(
            "negative_times",
            "a.ts",
            Picture(times=_every(25, -0.8)),
            sounds=[Sound("mp2", at=-0.8)],
            options={"avoid_negative_ts": "disabled"},
            core=True,
        ),
        _case(
            "negative_times_in_mkv",
            "a.mkv",
            Picture(times=_every(25, -0.8)),
            options={"avoid_negative_ts": "disabled"},
            accept=ANY,
            like_reference=False,
        ),
        _case(
            "times_begin_at_an_hour", "a.ts", Picture(times=_every(25, 3600)), sounds=[Sound("mp2", at=3600)], core=True
        ),
        _case("edit_list", "a.mp4", Picture(options={"bf": "3"}), options={"movflags": "+faststart"}),
        _case("fragmented", "a.mp4", plain, options={"movflags": "frag_keyframe+empty_moov"}, core=True),
        _case("two_pictures", "a.mkv", plain, Picture(show=np.zeros_like), core=True),
        _case("two_sounds", "a.mkv", plain, sounds=[Sound(), Sound("flac", 8000)]),
        _case("cover_first", "a.mp4", Picture("mjpeg", "yuvj420p", times=[0.0], cover=True), plain),
        _case("cover_after", "a.mp4", plain, Picture("mjpeg", "yuvj420p", times=[0.0], cover=True)),
        _case("alpha_prores", "a.mov", Picture("prores_ks", "yuva444p10le")),
        _case("alpha_png", "a.mov", Picture("png", "rgba")),
        _case("alpha_vp9", "a.webm", Picture("libvpx-vp9", "yuva420p", options=_VP9), sounds=[Sound("libopus")]),
        _unlike("grayscale", "a.mkv", Picture("ffv1", "gray"), core=True),
        _unlike("gray_10", "a.mkv", Picture("ffv1", "gray10le")),
        _case("yuv444", "a.mp4", Picture(pixels="yuv444p")),
        _case("yuv422", "a.mp4", Picture(pixels="yuv422p")),
        _case("rgb_lossless", "a.mkv", Picture("ffv1", "bgr0")),
        _case("gbr_planar", "a.mp4", Picture("libx264rgb", "rgb24", options={"preset": "ultrafast", "crf": "10"})),
        _case("avi", "a.avi", Picture("mpeg4"), sounds=[Sound("libmp3lame")]),
        _case("webm_vp8", "a.webm", Picture("libvpx", options=_VP9), sounds=[Sound("libopus")]),
        _case("av1", "a.mkv", Picture("libsvtav1", options=_AV1)),
        _case("ts", "a.ts", Picture("mpeg2video"), sounds=[Sound("mp2")], core=True),
        _case("m2ts", "a.m2ts", plain, sounds=[Sound("ac3")], container="mpegts", options={"mpegts_m2ts_mode": "1"}),
        _case("flv", "a.flv", Picture("flv"), sounds=[Sound("libmp3lame", 44100)]),
        _case("wmv", "a.wmv", Picture("wmv2"), sounds=[Sound("wmav2", 44100)]),
        _case("mpeg1", "a.mpg", Picture("mpeg1video"), sounds=[Sound("mp2", 44100)]),
        _case("vob", "a.vob", Picture("mpeg2video"), sounds=[Sound("ac3")]),
        _case("3gp", "a.3gp", Picture("mpeg4"), sounds=[Sound(rate=16000)]),
        _case("motion_jpeg", "a.avi", Picture("mjpeg", "yuvj420p"), sounds=[Sound("pcm_s16le", 16000)]),
        _case("motion_jpeg_2000", "a.mkv", Picture("jpeg2000", "yuv420p"), tolerance=20.0),
        _case("uncompressed", "a.avi", Picture("rawvideo", "bgr24"), sounds=[Sound("pcm_s16le", 16000)]),
        _case("wrong_suffix_mkv_as_mp4", "a.mp4", plain, container="matroska"),
        _case("wrong_suffix_ts_as_avi", "a.avi", Picture("mpeg2video"), sounds=[Sound("mp2")], container="mpegts"),
        _case("pixel_aspect", "a.mp4", Picture(aspect=Fraction(16, 11))),
        _case("absurd_pixel_aspect", "a.mkv", Picture(aspect=Fraction(1, 30000))),
        _case("attached_video", "a.mkv", plain, attach=b"\x1aE\xdf\xa3" + bytes(4000)),
        _unlike("odd_size", "a.mkv", Picture("ffv1", "yuv420p", size=(241, 199)), core=True),
        _unlike("tall", "a.mkv", Picture("ffv1", "yuv420p", size=(200, 900), show=_middle_of_a_tall_picture)),
        _case(
            "gif", "a.mp4", Picture("gif", "rgb8", rate=25), sounds=[], container="gif", accept=frozenset({"no_audio"})
        ),
        _case(
            "animated_png",
            "a.mp4",
            Picture("apng", "rgb24"),
            sounds=[],
            container="apng",
            accept=frozenset({"no_audio"}),
        ),
        _case(
            "animated_webp",
            "a.mp4",
            Picture("libwebp_anim", "bgra"),
            sounds=[],
            container="webp",
            accept=REFUSED | {"no_audio"},
        ),
    ]


def _every(rate: int, begin: float = 0.0) -> list[float]:
    return [begin + k / rate for k in range(round(SECONDS * rate))]


def _middle_of_a_tall_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Head in the middle of a tall grey picture."""
    tall = np.full((900, 200, 3), 90, np.uint8)
    tall[350:550] = picture[:, 20:220]
    return tall
