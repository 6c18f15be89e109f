"""The metrics. Each can be used on its own, in the manner of torchmetrics: `FID().update(frames, truth)`.

See `bench_lipsync.metrics.standalone.Metric` for `update`, `compute` and `reset`. Exports are imported lazily.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench_lipsync.metrics.standalone import Metric

_EXPORTS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "FID": (("FID",), None),
    "KID": (("KID",), None),
    "FVD": (("FVD",), None),
    "SSIM": (("SSIM",), None),
    "PSNR": (("PSNR",), None),
    "LPIPS": (("LPIPS",), None),
    "MouthSSIM": (("SSIM-mouth",), None),
    "MouthPSNR": (("PSNR-mouth",), None),
    "MouthLPIPS": (("LPIPS-mouth",), None),
    "CPBD": (("CPBD",), None),
    "MouthCPBD": (("CPBD-mouth",), None),
    "LMD": (("LMD",), None),
    "MouthLMD": (("LMD-mouth",), "mediapipe"),
    "LipOpeningError": (("LipOpen-error",), None),
    "LipOpeningCorrelation": (("LipOpen-corr",), None),
    "LipLeak": (("LipLeak",), None),
    "CSIM": (("CSIM",), "arcface-mbf"),
    "LSE": (("LSE-C", "LSE-D", "AV-offset"), "syncnet_v2"),
    "TWE": (("TWE",), None),
    "Jitter": (("Jitter",), None),
}
"""Export: names of the metrics, and the default variant where there are several."""

__all__ = ["Metric", *_EXPORTS]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> Callable[..., Metric]:
    if name != "Metric" and name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from functools import partial

    from bench_lipsync.metrics.standalone import Metric

    if name == "Metric":
        return Metric
    names, variant = _EXPORTS[name]
    return partial(Metric, *names, variant=variant)


def __dir__() -> list[str]:
    return sorted(__all__)
