"""Tiny footage for the tests of datasets: frames that say their own number, sound that can be compared bit by bit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 10
BLOCK = 12
BITS_AT = (100, 90)
"""x, y of the first bit's block in a frame of 320x180."""


def gradient(width: int = 320, height: int = 180) -> np.ndarray:
    """Red says x, green says y."""
    picture = np.full((height, width, 3), 60, np.uint8)
    picture[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    picture[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return picture


def numbered(number: int) -> np.ndarray:
    """The gradient with `number` written as black and white blocks, lowest bit first."""
    picture = gradient()
    x, y = BITS_AT
    for bit in range(BITS):
        picture[y : y + BLOCK, x + bit * BLOCK : x + (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return picture


def read_number(picture: np.ndarray, left: float, top: float, scale: float) -> int:
    """The number in a picture that shows the frame from (`left`, `top`) on, enlarged by `scale`."""
    x, y = BITS_AT
    number = 0
    for bit in range(BITS):
        column = round((x + (bit + 0.5) * BLOCK - left) * scale)
        row = round((y + BLOCK / 2 - top) * scale)
        number |= int(picture[row - 2 : row + 3, column - 2 : column + 3].mean() > 128) << bit
    return number


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Samples at 16 kHz that occur only once."""
    return np.random.default_rng(seed).integers(-8000, 8000, round(seconds * 16000)).astype(np.int16)


def write_movie(path: Path, frames: list[np.ndarray], samples: np.ndarray | None = None, fps: int = 25) -> Path:
    """H.264 with lossless sound (FLAC), for .mp4 and .mkv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "8", "preset": "ultrafast", "g": "50"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        sound = None
        if samples is not None:
            sound = container.add_stream("flac", rate=16000, layout="mono")
            sound.codec_context.format = "s16"
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            block = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            block.sample_rate, block.pts = 16000, 0
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def touch(path: Path) -> Path:
    """An empty file where only the name matters."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write_hdtf_metadata(folder: Path, rows: dict[str, list[str]] | None = None) -> Path:
    """All twelve files; `rows` replaces the lines of single files."""
    lines = {f"{subset}_{kind}": [] for subset in ("RD", "WDA", "WRA") for kind in KINDS}
    lines.update(
        {
            "WDA_video_url": [
                "JaneDoe0 https://www.youtube.com/watch?v=AAAAAAAAAAA",
                "NoCrop https://www.youtube.com/watch?v=BBBBBBBBBBB&t=6s",
                "Unnoted https://www.youtube.com/watch?v=CCCCCCCCCCC",
            ],
            # In another order than the addresses, one interval ending with a space, as in the real files.
            "WDA_annotion_time": ["NoCrop.mp4 00:01-00:02", "JaneDoe0.mp4 00:01-00:03 00:12-00:14 "],
            "WDA_resolution": ["Unnoted.mp4 720", "JaneDoe0.mp4 720", "NoCrop.mp4 720"],
            "WDA_crop_wh": ["JaneDoe0_1.mp4 342 591 20 591", "JaneDoe0_0.mp4 342 591 0 591"],
            "WRA_video_url": [
                "Nought https://www.youtube.com/watch?v=DDDDDDDDDDD",
                "Gone-Away https://www.youtube.com/watch?v=EEEEEEEEEEE",
                "TooLow https://www.youtube.com/watch?v=FFFFFFFFFFF",
            ],
            "WRA_annotion_time": ["Nought.mp4 00:00-00:02", "Gone-Away.mp4 00:05-01:05", "TooLow.mp4 00:01-00:02"],
            "WRA_resolution": ["Nought.mp4 0", "Gone-Away.mp4 1080", "TooLow.mp4 720"],
            "WRA_crop_wh": ["Nought_0.mp4 5 465 0 465", "Gone-Away_0.mp4 10 700 0 700", "TooLow_0.mp4 0 700 30 700"],
        }
    )
    lines.update(rows or {})
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in lines.items():
        mark = "\ufeff" if name == "WDA_video_url" else ""
        (folder / f"{name}.txt").write_text(mark + "\n".join(content), encoding="utf-8")  # no newline at the end
    return folder


KINDS = ("video_url", "annotion_time", "resolution", "crop_wh")


def write_annotation(folder: Path, clip: str, first: int, boxes: list[tuple[float, ...]], **header: str) -> Path:
    """VoxCeleb2's text file of `idNNNNN/VIDEO/UTTERANCE`: boxes as fractions from frame `first` on."""
    identity, video, _ = clip.split("/")
    named = {"Identity": identity, "Reference": video, "Offset": "2", **header}
    lines = [f"{key:10}: \t{value}" for key, value in named.items()]
    lines += ["FV Conf   : \t20.230\t(1)", "ASD Conf  : \t2.765", "", "FRAME \tX \tY \tW \tH "]
    for number, box in enumerate(boxes, first):
        lines.append(f"{number:06d} \t" + " \t".join(f"{value:.3f}" for value in box) + " ")
    path = (folder / clip).with_suffix(".txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
