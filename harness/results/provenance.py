"""Provenance of a run's numbers: code, packages, device, FFmpeg and weight files."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from bench_lipsync.harness import __version__
from bench_lipsync.harness.results.schema import Provenance

_PACKAGES = (
    "av",
    "lpips",
    "mediapipe",
    "numpy",
    "opencv-contrib-python",
    "pandas",
    "python-speech-features",
    "pytorch-fid",
    "scikit-image",
    "scipy",
    "torch",
    "torchvision",
)


def gather(device: str) -> Provenance:
    """Everything that a reader needs to repeat the run on another machine."""
    import av

    return Provenance(
        bench_version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=_device_name(device),
        git=_git(Path(__file__).resolve().parents[2]),
        packages={name: metadata.version(name) for name in _PACKAGES if _installed(name)},
        ffmpeg={name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
        assets=_assets(),
    )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _device_name(device: str) -> str:
    import torch

    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return f"{device}, {torch.get_num_threads()} threads"


def _git(folder: Path) -> dict[str, Any] | None:
    if not (folder / ".git").exists():
        return None
    try:
        commit = _run(["git", "rev-parse", "HEAD"], folder)
        dirty = bool(_run(["git", "status", "--porcelain"], folder))
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": dirty}


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    return done.stdout.strip()


def _assets() -> dict[str, str]:
    from bench_lipsync.harness.assets.lookup import asset_digest, asset_present, asset_specs

    return {spec.name: asset_digest(spec.name) for spec in asset_specs() if asset_present(spec.name)}
