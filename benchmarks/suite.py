"""Scoring with the whole suite, against the field's tools one after the other and against the bare networks.

`python benchmarks/suite.py --help`; what it gave is in docs/speed.md. Frames are those of demo clips, the output is a
blurred copy. The published SyncNet has random weights here: time does not depend on them, and no number is reported.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.suite_tools import lpips_folders, pytorch_fid, skimage_pairs, window_by_window, write_pngs
from harness.clip import PreparedClip
from harness.media import LosslessWriter, read_lossless
from harness.scorers import LoadedScorer
from harness.scoring import load_features, score
from harness.select import select_clips
from harness.spec import make_spec
from harness.stages import Generated, prepare
from harness.store import Store
from metrics._inception import load_inception
from metrics.fid import FidScorer
from metrics.lpips import LpipsScorer, load_lpips
from metrics.lse import SyncNetScorer
from metrics.lse_crop import crop_face, face_boxes
from metrics.psnr import PsnrScorer
from metrics.ssim import SsimScorer
from models.syncnet.mfcc import mfcc, mfcc_windows
from models.syncnet.network import SyncNet


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
        [score(used, clip, side, clip.audio(), store) for clip, side in zip(clips, videos, strict=True)]
        for used, videos in ((scorers, outputs), (fid, truths))
    ]
    column = fid[0].wanted[0].column
    features = [[load_features(one.features[column], column) for one in side] for side in sides]
    fid[0].scorer.pool(*features)


class Frames:
    """Everything in memory for the bare networks, and as PNG files for the other tools."""

    def __init__(self, clips: Sequence[PreparedClip], outputs: Sequence[Generated], folder: Path) -> None:
        self.truth = [np.concatenate(list(clip.read_frames())) for clip in clips]
        self.output = [np.concatenate(list(read_lossless(one.video))) for one in outputs]
        self.pngs = [
            write_pngs(np.concatenate(frames), folder / name)
            for name, frames in (("output", self.output), ("truth", self.truth))
        ]
        self.faces = [_faces(clip, frames) for clip, frames in zip(clips, self.output, strict=True)]
        self.sound = [torch.from_numpy(mfcc_windows(mfcc(clip.audio()), clip.frames - 4)) for clip in clips]


def _faces(clip: PreparedClip, frames: NDArray[np.uint8]) -> torch.Tensor:
    pairs = zip(frames, face_boxes(clip.faces.landmarks), strict=True)
    return torch.from_numpy(np.stack([crop_face(*pair) for pair in pairs])).permute(3, 0, 1, 2).float()


@torch.inference_mode()
def bare_networks(frames: Frames, inception: torch.nn.Module, alex: torch.nn.Module, sync: SyncNet) -> None:
    """Forward passes of the three networks over one model's output, from memory, eight frames at a time."""
    for output, truth, faces, sound in zip(frames.output, frames.truth, frames.faces, frames.sound, strict=True):
        for start in range(0, len(output), 8):
            a, b = (torch.from_numpy(x[start : start + 8]).permute(0, 3, 1, 2).float() / 255 for x in (output, truth))
            inception(a)
            alex(a * 2 - 1, b * 2 - 1)
        for start in range(0, faces.shape[1] - 4, 20):
            sync.embed_lips(faces[:, start : start + 24])
        sync.embed_audio(sound)


def tools(frames: Frames, inception: torch.nn.Module, alex: torch.nn.Module, sync: SyncNet) -> dict[str, float]:
    """Seconds of each of the field's tools."""
    runs: dict[str, Callable[[], object]] = {
        "pytorch-fid": lambda: pytorch_fid(inception, *frames.pngs),
        "lpips script": lambda: lpips_folders(alex, *frames.pngs),
        "scikit-image": lambda: skimage_pairs(*frames.pngs),
        "SyncNet by windows": lambda: [
            window_by_window(sync, *pair) for pair in zip(frames.faces, frames.sound, strict=True)
        ],
    }
    return {name: _seconds(run) for name, run in runs.items()}


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


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
        networks = load_inception(), load_lpips(), sync
        bare_networks(frames, *networks)  # warms up
        store = Store(folder / "store")
        bare = _seconds(lambda: bare_networks(frames, *networks))
        first, second = (_seconds(lambda side=side: our_suite(scorers, clips, side, store)) for side in outputs)  # type: ignore[misc]
        again = _seconds(lambda: bare_networks(frames, *networks))
        others = tools(frames, *networks)
    count, whole, bare = sum(map(len, frames.truth)), sum(others.values()), (bare + again) / 2
    print(f"{len(clips)} clips, {count} frames, {options.threads} threads; seconds, and in times of the second model's")
    for label, seconds in {**others, "all four": whole, "bare networks": bare, "suite, first model": first}.items():
        print(f"{label:22s} {seconds:8.1f} {seconds / second:6.2f}")
    print(f"{'suite, second model':22s} {second:8.1f} {1.0:6.2f}")
    print(
        f"all four / first model: {whole / first:.2f}; second / first: {second / first:.2f}; "
        f"second / bare: {second / bare:.2f}"
    )


if __name__ == "__main__":
    main()
