"""Scoring with the whole suite, against the field's tools one after the other and against the bare networks.

`python benchmarks/speed/suite.py --help`; what it gave is in docs/speed.md. Frames are those of demo clips, the output
is a blurred copy. The published SyncNet has random weights here: time does not depend on them, and no number is
reported.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.media import LosslessWriter
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.scoring.score import score_clip
from bench_lipsync.harness.scoring.score_files import load_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated, prepare
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.distribution.fid import FidScorer
from bench_lipsync.metrics.image.lpips import LpipsScorer, load_lpips
from bench_lipsync.metrics.image.psnr import PsnrScorer
from bench_lipsync.metrics.image.ssim import SsimScorer
from bench_lipsync.metrics.lse.scorers import SyncNetScorer
from bench_lipsync.models.backbones.fold_batchnorm import fold_inception
from bench_lipsync.models.backbones.inception import load_inception
from bench_lipsync.models.syncnet.published.lips import LipNetwork
from bench_lipsync.models.syncnet.published.network import SyncNet
from benchmarks.speed.suite_networks import Frames, Networks, bare_networks
from benchmarks.speed.suite_tools import lpips_folders, pytorch_fid, skimage_pairs, window_by_window


def blurred(clip: PreparedClip, strength: float, folder: Path) -> Generated:
    """The output of an imaginary model: `clip` out of focus."""
    import cv2

    frames = np.concatenate(list(clip.read_frames()))
    path = folder / f"{clip.id}-{strength}.mkv"
    with LosslessWriter(path, clip.size, clip.size) as writer:
        writer.write(np.stack([cv2.GaussianBlur(frame, (0, 0), strength) for frame in frames]))
    return Generated(path, f"{clip.id} blurred by {strength}")


def load_suite(weights: Path) -> list[LoadedScorer]:
    """FID, LPIPS, SSIM, PSNR and LSE by the published network."""
    scorers = [FidScorer(), LpipsScorer(), SsimScorer(), PsnrScorer(), SyncNetScorer(weights=weights)]
    return [LoadedScorer(type(one).__name__, one, tuple(one.metrics)) for one in scorers]


def our_suite(
    scorers: Sequence[LoadedScorer], clips: Sequence[PreparedClip], outputs: Sequence[Generated], store: Store
) -> None:
    """Score one model, with what the ground truth needs for it."""
    truths = [Generated(clip.video_path, f"{clip.id} truth") for clip in clips]
    fid = [one for one in scorers if one.name == "FidScorer"]
    sides = [
        [score_clip(used, clip, side, clip.audio(), store) for clip, side in zip(clips, videos, strict=True)]
        for used, videos in ((scorers, outputs), (fid, truths))
    ]
    column = fid[0].wanted[0].column
    features = [[load_features(one.features[column], column) for one in side] for side in sides]
    fid[0].scorer.pool(*features)


class Spent(NamedTuple):
    """By the clock, and of all threads of the process together: steadier where others compute."""

    wall: float
    cpu: float


def tools(frames: Frames, networks: Networks) -> dict[str, Spent]:
    """What each of the field's tools takes."""
    runs: dict[str, Callable[[], object]] = {
        "pytorch-fid": lambda: pytorch_fid(networks.inception, *frames.pngs),
        "lpips script": lambda: lpips_folders(networks.alex, *frames.pngs),
        "scikit-image": lambda: skimage_pairs(*frames.pngs),
        "SyncNet by windows": lambda: [
            window_by_window(networks.sync, *pair) for pair in zip(frames.faces, frames.sound, strict=True)
        ],
    }
    return {name: _spent(run) for name, run in runs.items()}


def _spent(run: Callable[[], object]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def _sum(parts: Iterable[Spent]) -> Spent:
    return Spent(*map(sum, zip(*parts, strict=True)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4, help="of the demo set's test split (default: 4)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    spec = make_spec({"models": ("ground-truth",), "dataset": "demo", "split": "test", "limit": options.clips})
    clips = [prepare(clip, spec.size, Store()) for clip in select_clips(spec).clips]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.manual_seed(0)
        sync = SyncNet().eval().requires_grad_(False)
        torch.save(sync.state_dict(), folder / "random.model")
        scorers = load_suite(folder / "random.model")
        outputs = [[blurred(clip, strength, folder) for clip in clips] for strength in (1.0, 2.0)]
        frames = Frames(clips, outputs[0], folder)
        inception = load_inception()
        networks = Networks(inception, fold_inception(load_inception()), load_lpips(), sync, LipNetwork(sync))
        bare_networks(frames, networks)  # warms up
        store = Store(folder / "store")
        bare = [_spent(lambda: bare_networks(frames, networks))]
        first, second = (_spent(lambda side=side: our_suite(scorers, clips, side, store)) for side in outputs)  # type: ignore[misc]
        bare.append(_spent(lambda: bare_networks(frames, networks)))
        others = tools(frames, networks)
    rows = {
        **others,
        "all four": _sum(others.values()),
        "bare networks": Spent(*(value / 2 for value in _sum(bare))),
        "suite, first model": first,
        "suite, second model": second,
    }
    count = sum(map(len, frames.truth))
    print(f"{len(clips)} clips, {count} frames, {options.threads} threads; seconds, and in times of the second model's")
    print(f"{'':22s} {'clock':>15s} {'CPU time':>15s}")
    for label, spent in rows.items():
        cells = [f"{own:8.1f} {own / other:6.2f}" for own, other in zip(spent, second, strict=True)]
        print(f"{label:22s} {' '.join(cells)}")


if __name__ == "__main__":
    main()
