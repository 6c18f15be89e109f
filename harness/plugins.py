"""Every built-in plug-in by name, as lazy targets: the one place where the engine knows of the folders beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.model import LipSyncModel
from harness.registry import Registry

MODELS: Registry[Callable[..., LipSyncModel]] = Registry(
    "model",
    {
        "stylelipsync": "models.stylelipsync.model:StyleLipSync",
        "wav2lip": "models.wav2lip.model:Wav2Lip",
        "ground-truth": "baselines.bounds:GroundTruth",
        "static": "baselines.bounds:Static",
        "shuffled-audio": "baselines.bounds:ShuffledAudio",
        "precomputed": "baselines.precomputed:Precomputed",
    },
)
"""Called without arguments; extra keyword arguments are the model's own options."""

BOUNDS: tuple[str, ...] = ("ground-truth", "static", "shuffled-audio")
"""Rows that every table holds, asked for or not."""

SCORERS: Registry[Callable[..., Any]] = Registry(
    "scorer",
    {
        "lse-syncnet_v2": "metrics.lse:SyncNetScorer",
        "lse-open-syncnet": "metrics.lse:OpenSyncScorer",
        "lse-whole-frame": "metrics.lse_whole_frame:WholeFrameScorer",
        "lse-pipeline": "metrics.lse_pipeline:PipelineScorer",
        "fid": "metrics.fid:FidScorer",
        "ssim": "metrics.ssim:SsimScorer",
        "psnr": "metrics.psnr:PsnrScorer",
        "lpips": "metrics.lpips:LpipsScorer",
        "mouth": "metrics.mouth:MouthScorer",
        "mouth-lpips": "metrics.mouth:MouthLpipsScorer",
        "landmarks": "metrics.landmarks:LandmarkScorer",
        "sharpness": "metrics.sharpness:SharpnessScorer",
        "csim": "metrics.csim:CsimScorer",
        "fvd": "metrics.fvd:FvdScorer",
        "steadiness": "metrics.steadiness:SteadinessScorer",
    },
)
"""Called with `device`; gives a `harness.metric.Scorer`."""

SCORERS_BY_METRIC: dict[str, tuple[str, ...]] = {
    "LSE-C": ("lse-syncnet_v2", "lse-open-syncnet"),
    "LSE-D": ("lse-syncnet_v2", "lse-open-syncnet"),
    "AV-offset": ("lse-syncnet_v2", "lse-open-syncnet"),
    "FID": ("fid",),
    "KID": ("fid",),
    "SSIM": ("ssim",),
    "PSNR": ("psnr",),
    "LPIPS": ("lpips",),
    "SSIM-mouth": ("mouth",),
    "PSNR-mouth": ("mouth",),
    "LPIPS-mouth": ("mouth-lpips",),
    "LMD": ("landmarks",),
    "LMD-mouth": ("landmarks",),
    "LipOpen-error": ("landmarks",),
    "LipOpen-corr": ("landmarks",),
    "LipLeak": ("landmarks",),
    "CPBD": ("sharpness",),
    "CPBD-mouth": ("sharpness",),
    "CSIM": ("csim",),
    "FVD": ("fvd",),
    "LSE-tracks": ("lse-pipeline",),
    "TWE": ("steadiness",),
    "Jitter": ("steadiness",),
}
"""Which scorers compute a metric that a user names; the order is the order of the table's columns.

`NAME[VARIANT]` asks for one variant; its column is the scorer's `MetricInfo.column`.
"""

_LSE_VARIANTS = {
    "gt-box": ("lse-syncnet_v2", "lse-open-syncnet"),
    "syncnet_v2": ("lse-syncnet_v2",),
    "open-syncnet": ("lse-open-syncnet",),
    "whole-frame": ("lse-whole-frame",),
    "pipeline": ("lse-pipeline",),
}
for _metric in ("LSE-C", "LSE-D", "AV-offset"):
    SCORERS_BY_METRIC.update({f"{_metric}[{variant}]": names for variant, names in _LSE_VARIANTS.items()})

ALL_METRICS: tuple[str, ...] = tuple(
    metric
    for metric, names in SCORERS_BY_METRIC.items()
    if "[" not in metric or not set(names) <= set(SCORERS_BY_METRIC[metric.partition("[")[0]])
)
"""What `--metrics all` asks for: every metric by its name, and the variants that the name alone leaves out."""

PACKAGED: Registry[Path] = Registry(
    "packaged file",
    {
        "stylelipsync": "models.stylelipsync.model:DEMO_WEIGHTS",
        "wav2lip": "models.wav2lip.model:DEMO_WEIGHTS",
        "lse-open-syncnet": "models.syncnet.open_network:WEIGHTS",
    },
)
"""Weights that come with the package, by the model or scorer that cannot work without them."""

TRAINERS: Registry[Callable[..., Any]] = Registry(
    "trainer",
    {
        "stylelipsync": "models.stylelipsync.train:run",
        "stylegan2": "models.stylegan2.train:run",
        "syncnet": "models.syncnet.train:run",
        "sync-expert": "models.syncnet.expert_train:run",
        "wav2lip": "models.wav2lip.train:run",
    },
)

CONVERTERS: Registry[Callable[..., Any]] = Registry("converter", {"stylegan2": "models.stylegan2.convert:run"})
"""Called with the file of a published network and the file to write."""

ADAPTERS: Registry[Callable[..., Any]] = Registry("adapter", {"stylelipsync": "models.stylelipsync.adapt:run"})
"""Models that `bench adapt` can tune to a person."""

REPORTS: Registry[Callable[..., Any]] = Registry(
    "report",
    {
        "html": "reports.page:write_page",
        "table": "reports.tables:render_table",
        "console": "reports.console:print_result",
    },
)
