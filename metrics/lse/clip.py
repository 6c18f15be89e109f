"""What all LSE scorers share: the accumulator of a clip and the description of the three metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.metrics.lse.formulas import VSHIFT, SyncReading, window_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench_lipsync.models.syncnet.open.stream import WindowStream


GT_BOX = ("gt-box",)
"""Alias of the variants that crop by the ground truth's box: `LSE-C[gt-box]` requests all of them."""


def sync_metrics(
    variant: str,
    settings: str,
    largest: float | None,
    needs: frozenset[str] = frozenset({"audio", "faces"}),
    *,
    aliases: tuple[str, ...] = (),
    on_request: bool = False,
) -> tuple[MetricInfo, ...]:
    """Describe LSE-C, LSE-D and AV-offset of a network.

    Args:
        variant: As in `LSE-C[variant]`.
        settings: The signature after the metric's name.
        largest: Upper bound of distances; `None` is unbounded.
        needs: As `MetricInfo.needs`.
        aliases: As `MetricInfo.aliases`.
        on_request: As `MetricInfo.on_request`; such variants are not in the default run.

    """
    base = MetricInfo(
        name="LSE-C",
        variant=variant,
        direction="higher",
        unit="",
        range=(0.0, largest),
        level="clip",
        needs=needs,
        signature=f"LSE-C|{settings}",
        definition="median minus minimum over +-15 shifts of the mean distance",
        on_request=on_request,
        aliases=aliases,
        default=not on_request,
        tolerance=Tolerance(relative=0.05, absolute=0.02),
    )
    distance = replace(
        base,
        name="LSE-D",
        direction="lower",
        signature=f"LSE-D|{settings}",
        definition="minimum over +-15 shifts of the mean distance of lips and audio",
    )
    offset = replace(
        base,
        name="AV-offset",
        direction="none",
        unit="frames",
        range=(-VSHIFT, VSHIFT),
        signature=f"AV-offset|{settings}",
        definition="shift of the minimum; positive: the audio comes too early",
        tolerance=Tolerance(absolute=0.5),
    )
    return base, distance, offset


class SyncAccumulator:
    """Streams face crops through the lip network as frames come; the audio is embedded at the end."""

    def __init__(
        self,
        crop: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        stream: WindowStream,
        embed_audio: Callable[[NDArray[np.int16], int], NDArray[np.float32]],
        read: Callable[[NDArray[np.float32], NDArray[np.float32]], SyncReading],
        columns: Mapping[str, str],
    ) -> None:
        self._crop = crop
        self._stream = stream
        self._embed_audio = embed_audio
        self._read = read
        self._columns = columns
        self._frames = 0

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; `truth` is not used."""
        self._stream.push(self._crop(output))
        self._frames += len(output)

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """LSE-C, LSE-D and AV-offset of the output against `audio`. Raises `ClipError` (`too_short`)."""
        windows = window_count(self._frames, len(audio))
        lips = self._stream.finish()[:windows]
        reading = self._read(lips, self._embed_audio(audio, windows) if windows else lips)
        values = {"LSE-C": reading.confidence, "LSE-D": reading.distance, "AV-offset": float(reading.offset)}
        return ClipScore(
            values={self._columns[name]: value for name, value in values.items()},
            per_frame={self._columns["LSE-C"]: confidence_curve(reading, self._frames)},
        )


def confidence_curve(reading: SyncReading, frames: int) -> NDArray[np.float32]:
    """(frames,) per-frame confidence: a window belongs to its middle frame, the ends repeat the nearest window."""
    after = frames - 2 - len(reading.frame_confidence)
    return np.pad(reading.frame_confidence, (2, after), mode="edge").astype(np.float32)
