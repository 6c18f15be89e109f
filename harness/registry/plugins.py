"""Every built-in plug-in by name, as lazy targets: the one place where the engine knows of the folders beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench_lipsync.harness.api.dataset import Dataset
from bench_lipsync.harness.api.metric import ScorerClass
from bench_lipsync.harness.api.model import LipSyncModel
from bench_lipsync.harness.registry.registry import Registry

MODELS: Registry[Callable[..., LipSyncModel]] = Registry(
    "model",
    {
        "stylelipsync": "bench_lipsync.models.stylelipsync.model:StyleLipSync",
        "wav2lip": "bench_lipsync.models.wav2lip.model:Wav2Lip",
        "ground-truth": "bench_lipsync.baselines.bounds:GroundTruth",
        "static": "bench_lipsync.baselines.bounds:Static",
        "shuffled-audio": "bench_lipsync.baselines.bounds:ShuffledAudio",
        "nearest-sound": "bench_lipsync.baselines.nearest_sound.model:NearestSound",
        "precomputed": "bench_lipsync.baselines.precomputed:Precomputed",
        "external": "bench_lipsync.baselines.external.catalogue:from_file",
    },
    external="bench_lipsync.baselines.external.catalogue:targets",
)
"""Called with the parts of the model's name: the argument after the colon, and `variant=` after the `@`."""

BOUNDS: tuple[str, ...] = ("ground-truth", "static", "shuffled-audio", "nearest-sound")
"""Rows that every table holds, requested or not."""

DATASETS: Registry[type[Dataset]] = Registry(
    "dataset",
    {
        "demo": "bench_lipsync.harness.datasets.demo.dataset:DemoDataset",
        "folder": "bench_lipsync.harness.datasets.folder:FolderDataset",
        "hdtf": "bench_lipsync.harness.datasets.hdtf.dataset:HdtfDataset",
        "voxceleb2": "bench_lipsync.harness.datasets.voxceleb2.dataset:VoxCeleb2Dataset",
    },
)

SCORERS: Registry[ScorerClass] = Registry(
    "scorer",
    {
        "lse-syncnet_v2": "bench_lipsync.metrics.lse.scorers:SyncNetScorer",
        "lse-open-syncnet": "bench_lipsync.metrics.lse.scorers:OpenSyncScorer",
        "lse-whole-frame": "bench_lipsync.metrics.lse.scorers:WholeFrameScorer",
        "fid": "bench_lipsync.metrics.distribution.fid:FidScorer",
        "ssim": "bench_lipsync.metrics.image.ssim:SsimScorer",
        "psnr": "bench_lipsync.metrics.image.psnr:PsnrScorer",
        "lpips": "bench_lipsync.metrics.image.lpips:LpipsScorer",
        "mouth": "bench_lipsync.metrics.image.mouth:MouthScorer",
        "mouth-lpips": "bench_lipsync.metrics.image.mouth:MouthLpipsScorer",
        "landmarks": "bench_lipsync.metrics.landmarks.scorer:LandmarkScorer",
        "lmd-atvg": "bench_lipsync.metrics.landmarks.atvg:AtvgScorer",
        "sharpness": "bench_lipsync.metrics.image.sharpness:SharpnessScorer",
        "csim": "bench_lipsync.metrics.identity.csim:CsimScorer",
        "csim-input": "bench_lipsync.metrics.identity.csim:CsimInputScorer",
        "csim-first-frame": "bench_lipsync.metrics.identity.csim:CsimFirstFrameScorer",
        "fvd": "bench_lipsync.metrics.distribution.fvd:FvdScorer",
        "lse-pipeline": "bench_lipsync.metrics.lse.pipeline:PipelineScorer",
        "steadiness": "bench_lipsync.metrics.temporal.scorer:SteadinessScorer",
    },
)
"""Their order is that of the table's columns.

Which metrics each gives it says itself (`describe`); `harness.registry.metric_names` asks.
"""

PACKAGED: Registry[Path] = Registry(
    "packaged file",
    {
        "stylelipsync": "bench_lipsync.models.stylelipsync.model:DEMO_WEIGHTS",
        "wav2lip": "bench_lipsync.models.wav2lip.model:DEMO_WEIGHTS",
        "lse-open-syncnet": "bench_lipsync.models.syncnet.open:WEIGHTS",
    },
)
"""Weights that come with the package, by the model or scorer that cannot work without them."""
