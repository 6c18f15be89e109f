"""What cameras, codecs and faces do to mouth crops, done at random to a stretch of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


def augment_lips(crops: NDArray[np.uint8], size: int, draw: Generator, *, gently: bool = False) -> NDArray[np.float32]:
    """(T, S, S) wide crops to (T, size, size) float32 in 0..1, with one random treatment for the whole stretch.

    `gently` only moves, turns and mirrors a little, which is what a network can begin to learn from.
    """
    frames = _warp(crops, size, draw, 0.3 if gently else 1.0)
    if gently:
        return frames.astype(np.float32) / 255.0
    if draw.random() < 0.2:
        frames = _repeat_frames(frames, draw)
    if draw.random() < 0.15:
        frames = _blend_frames(frames, draw)
    frames = _lose_resolution(frames, draw)
    light = _relight(frames.astype(np.float32) / 255.0, draw)
    if draw.random() < 0.3:
        light = _cover(light, draw)
    light += draw.uniform(0, 0.03) * draw.standard_normal(light.shape, np.float32)
    frames = np.round(np.clip(light, 0, 1) * 255).astype(np.uint8)
    if draw.random() < 0.6:
        frames = _jpeg(frames, int(draw.integers(10, 80)))
    return frames.astype(np.float32) / 255.0


def _warp(crops: NDArray[np.uint8], size: int, draw: Generator, much: float) -> NDArray[np.uint8]:
    """Mirror, scale, aspect, rotation, shear, shift, and a landmark's unsteady hand."""
    import cv2

    wide = crops.shape[1]
    mirror = -1.0 if draw.random() < 0.5 else 1.0
    scale = np.exp(much * draw.uniform(-0.2, 0.25))
    aspect = np.exp(much * draw.uniform(-0.1, 0.1))
    angle = np.deg2rad(much * draw.uniform(-12, 12))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[mirror * scale * aspect, much * draw.uniform(-0.1, 0.1)], [0.0, scale / aspect]])
    to_source = turn @ shape
    shift = much * draw.uniform(-0.07, 0.07, 2) * size
    # Landmarks tremble and lag: a smooth random walk of about half a pixel.
    walk = np.cumsum(draw.standard_normal((len(crops), 2)) * much * draw.uniform(0, 0.3), axis=0)
    walk -= walk.mean(axis=0)
    middle = np.array([(size - 1) / 2, (size - 1) / 2])
    out = np.empty((len(crops), size, size), np.uint8)
    for i, crop in enumerate(crops):
        origin = np.array([(wide - 1) / 2, (wide - 1) / 2]) + shift + walk[i] - to_source @ middle
        matrix = np.column_stack([to_source, origin])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[i] = cv2.warpAffine(crop, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return out


def _repeat_frames(frames: NDArray[np.uint8], draw: Generator) -> NDArray[np.uint8]:
    """Footage of a lower rate brought to 25 fps shows some frames twice."""
    source = np.arange(len(frames))
    repeated = draw.random(len(frames)) < draw.uniform(0.05, 0.25)
    repeated[0] = False
    source[repeated] -= 1
    return frames[source]


def _blend_frames(frames: NDArray[np.uint8], draw: Generator) -> NDArray[np.uint8]:
    """Long exposure: every frame holds a part of the one before."""
    share = draw.uniform(0.1, 0.4)
    before = np.concatenate([frames[:1], frames[:-1]])
    return np.round((1 - share) * frames + share * before).astype(np.uint8)


def _lose_resolution(frames: NDArray[np.uint8], draw: Generator) -> NDArray[np.uint8]:
    import cv2

    size = frames.shape[1]
    small = int(draw.integers(18, size)) if draw.random() < 0.5 else size
    sigma = draw.uniform(0.3, 1.4) if draw.random() < 0.3 else 0.0
    if small == size and sigma == 0:
        return frames
    out = np.empty_like(frames)
    for i, frame in enumerate(frames):
        one = frame
        if small < size:
            one = cv2.resize(one, (small, small), interpolation=cv2.INTER_AREA)
            one = cv2.resize(one, (size, size), interpolation=cv2.INTER_LINEAR)
        out[i] = cv2.GaussianBlur(one, (0, 0), sigma) if sigma else one
    return out


def _relight(frames: NDArray[np.float32], draw: Generator) -> NDArray[np.float32]:
    """Gamma, contrast, brightness, and a lamp from one side."""
    size = frames.shape[1]
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    lamp = 1 + draw.uniform(-0.4, 0.4) * ramp[None, :, None] + draw.uniform(-0.4, 0.4) * ramp[None, None, :]
    lit = np.power(frames, draw.uniform(0.6, 1.7)) * lamp
    return np.asarray((lit - 0.4) * draw.uniform(0.5, 1.5) + 0.4 + draw.uniform(-0.15, 0.15), np.float32)


def _cover(frames: NDArray[np.float32], draw: Generator) -> NDArray[np.float32]:
    """A grey rectangle (a hand, a microphone, a caption) anywhere but over the lips in the middle."""
    size = frames.shape[1]
    height, width = (int(draw.integers(size // 8, size // 3)) for _ in range(2))
    for _ in range(8):
        top, left = int(draw.integers(0, size - height)), int(draw.integers(0, size - width))
        clear_of_rows = top + height < 0.3 * size or top > 0.7 * size
        clear_of_columns = left + width < 0.22 * size or left > 0.78 * size
        if clear_of_rows or clear_of_columns:
            frames[:, top : top + height, left : left + width] = draw.uniform(0, 1)
            break
    return frames


def _jpeg(frames: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Through a JPEG encoder, all frames stacked in one image."""
    import cv2

    tall = frames.reshape(-1, frames.shape[2])
    _, data = cv2.imencode(".jpg", tall, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8).reshape(frames.shape)
