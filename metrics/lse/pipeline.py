"""LSE with the boxes of the scored video itself: S3FD, tracker and crop of the published SyncNet pipeline.

Source: `run_pipeline.py` of Chung's `syncnet_python`, which Wav2Lip's script for real videos calls before it scores.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo
from bench_lipsync.harness.faces.scene_cuts import THRESHOLD, SceneCuts
from bench_lipsync.metrics.base import TrackRows
from bench_lipsync.metrics.lse.clip import confidence_curve
from bench_lipsync.metrics.lse.crop import crop_faces
from bench_lipsync.metrics.lse.formulas import SyncReading, read_sync, window_count
from bench_lipsync.metrics.lse.published import PUBLISHED, PublishedScorer
from bench_lipsync.metrics.lse.spool import FrameSpool
from bench_lipsync.metrics.lse.tracks import MIN_FACE, MIN_TRACK, Track, find_tracks, smooth_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = 0.25


class FaceDetector(Protocol):
    """Finds the faces in a frame."""

    @property
    def tag(self) -> str:
        """Name and weights, such as `s3fd@d54a87`; part of the signature."""
        ...

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n, 5) left, top, right, bottom, probability in an (H, W, 3) RGB frame."""
        ...


class PipelineScorer(PublishedScorer):
    """LSE by the published network in the boxes of the published pipeline (variant `pipeline`).

    Raises `AssetMissing` without the weights of SyncNet and of S3FD. Another `detector` changes the signature.
    """

    variant: ClassVar[str] = "pipeline"
    crop: ClassVar[str] = (
        f"crop=pipeline|scale={_SCALE}|mintrack={MIN_TRACK}|minface={MIN_FACE}|scenes=hsv{THRESHOLD:.0f}|tracks=mean"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"audio"})

    def __init__(self, device: str = "cpu", weights: Path | None = None, detector: FaceDetector | None = None) -> None:
        _require(([] if weights else [PUBLISHED]) + ([] if detector else ["s3fd"]))
        if detector is None:
            from bench_lipsync.models.backbones.s3fd.detector import S3fdDetector

            detector = S3fdDetector(device=device, scale=_SCALE)
        self.detector = detector
        super().__init__(device, weights)
        self.metrics = tuple(_with_detector(info, detector.tag) for info in self.metrics)

    @classmethod
    def describe(cls, sha256: str | None = None) -> tuple[MetricInfo, ...]:
        """LSE-C, LSE-D, AV-offset and the number of tracks."""
        from bench_lipsync.harness.assets.lookup import asset_spec

        tag = f"s3fd@{asset_spec('s3fd').sha256[:6]}"
        infos = super().describe(sha256)
        settings = infos[0].signature.partition("|")[2]
        tracks = replace(
            infos[0],
            name="LSE-tracks",
            direction="none",
            unit="tracks",
            range=(1, None),
            signature=f"LSE-tracks|{settings}",
            definition="face tracks that the pipeline kept, over which the clip's LSE-C and LSE-D are means",
            on_request=False,
            tolerance=None,
        )
        return tuple(_with_detector(info, tag) for info in (*infos, tracks))

    def open(self, clip: PreparedClip) -> PipelineAccumulator:
        """Begin a clip."""
        return PipelineAccumulator(self)

    def read_track(self, spool: FrameSpool, track: Track, audio: NDArray[np.int16]) -> SyncReading:
        """Reading of one track against the audio of its frames. Raises `ClipError` (`too_short`)."""
        boxes, stream = TrackRows(smooth_boxes(track)), self.stream()
        for frames in spool.read(track.first, track.end):
            stream.push(crop_faces(frames, boxes.take(len(frames))))
        samples = audio[track.first * SAMPLES_PER_FRAME : track.end * SAMPLES_PER_FRAME]
        windows = window_count(boxes.used, len(samples))
        lips = stream.finish()[:windows]
        return read_sync(lips, self.embed_audio(samples, windows) if windows else lips)


class PipelineAccumulator:
    """Detects faces as frames come; tracks are only known at the end, so frames are kept on disk until then."""

    def __init__(self, scorer: PipelineScorer) -> None:
        self._scorer = scorer
        self._spool = FrameSpool()
        self._scenes = SceneCuts()
        self._faces: list[NDArray[np.float64]] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; `truth` is not used."""
        for frame in output:
            self._faces.append(self._scorer.detector(frame))
            self._scenes.push(frame)
        self._spool.push(output)

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means over the clip's tracks; the offset is the longest track's. Raises `ClipError`."""
        try:
            tracks = find_tracks(self._faces, self._scenes.shots())
            readings = [self._scorer.read_track(self._spool, track, audio) for track in tracks]
        finally:
            self._spool.close()
        lengths = [len(track.boxes) for track in tracks]
        longest = readings[int(np.argmax(lengths))]
        values = {
            "LSE-C": float(np.mean([reading.confidence for reading in readings])),
            "LSE-D": float(np.mean([reading.distance for reading in readings])),
            "AV-offset": float(longest.offset),
            "LSE-tracks": float(len(tracks)),
        }
        columns = {info.name: info.column for info in self._scorer.metrics}
        curve = np.full(len(self._faces), np.nan, np.float32)
        for index in np.argsort(lengths, kind="stable"):  # Where two overlap, the longer one is drawn.
            track = tracks[index]
            curve[track.first : track.end] = confidence_curve(readings[index], len(track.boxes))
        return ClipScore({columns[name]: value for name, value in values.items()}, per_frame={columns["LSE-C"]: curve})


def _require(names: list[str]) -> None:
    """Raise one `AssetMissing` that names all missing assets."""
    from bench_lipsync.harness.assets.lookup import AssetMissing, asset_path

    problems: dict[str, str] = {}
    for name in names:
        try:
            asset_path(name)
        except AssetMissing as error:
            problems[name] = str(error)
    if problems:
        raise AssetMissing("\n".join(problems.values()), *problems)


def _with_detector(info: MetricInfo, tag: str) -> MetricInfo:
    fields = [part for part in info.signature.split("|") if not part.startswith("det=")]
    at = next(i for i, part in enumerate(fields) if part.startswith("crop="))
    return replace(info, signature="|".join([*fields[: at + 1], f"det={tag}", *fields[at + 1 :]]))
