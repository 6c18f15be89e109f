"""Every built-in plug-in by name, as lazy targets: the one place where the engine knows of the folders beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.metric import ScorerClass
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
        "nearest-sound": "baselines.nearest_sound:NearestSound",
        "precomputed": "baselines.precomputed:Precomputed",
        "external": "baselines.external.catalogue:from_file",
    },
    more="baselines.external.catalogue:targets",
)
"""Called with what the model's name says: the argument behind the colon, and `variant=` behind the `@`."""

BOUNDS: tuple[str, ...] = ("ground-truth", "static", "shuffled-audio", "nearest-sound")
"""Rows that every table holds, asked for or not."""

SCORERS: Registry[ScorerClass] = Registry(
    "scorer",
    {
        "lse-syncnet_v2": "metrics.lse:SyncNetScorer",
        "lse-open-syncnet": "metrics.lse:OpenSyncScorer",
        "lse-whole-frame": "metrics.lse_whole_frame:WholeFrameScorer",
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
        "lse-pipeline": "metrics.lse_pipeline:PipelineScorer",
        "steadiness": "metrics.steadiness:SteadinessScorer",
    },
)
"""Their order is that of the table's columns.

Which metrics each gives it says itself (`describe`); `harness.metric_names` asks.
"""

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

BASELINES: Registry[Callable[..., Any]] = Registry(
    "command for external models",
    {
        "names": "baselines.external.catalogue:names",
        "load": "baselines.external.catalogue:load",
        "overview": "baselines.external.doctor:overview",
        "examine": "baselines.external.doctor:examine",
        "installation": "baselines.external.installation:read_installation",
        "wish": "baselines.external.setup:Wish",
        "setup": "baselines.external.setup:set_up",
    },
)
"""What `bench baselines` calls."""

REPORTS: Registry[Callable[..., Any]] = Registry(
    "report",
    {
        "html": "reports.page:write_page",
        "table": "reports.tables:render_table",
        "table-options": "reports.choose:TableOptions",
        "table-digits": "reports.choose:parse_digits",
        "console": "reports.console:print_result",
        "study-make": "reports.study.make:make_study",
        "study-score": "reports.study.command:score_files",
        "gate-console": "reports.gate_text:print_gate",
        "gate-markdown": "reports.gate_text:gate_markdown",
        "gate-json": "reports.gate_text:gate_json",
        "ablation": "reports.ablation:write_ablation",
        "ablation-table": "reports.ablation_tables:ablation_table",
        "ablation-console": "reports.ablation_tables:print_ablation",
        "baseline-console": "reports.gate_baseline:print_baseline",
        "gate-junit": "reports.junit:gate_junit",
    },
)
