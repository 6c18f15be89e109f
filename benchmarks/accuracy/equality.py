"""Our value, the reference package's value and their difference, on real clips.

`python benchmarks/accuracy/equality.py --dataset folder --data-root DIR`; what it gave is in docs/metrics/equality.md.
The "output" of each clip is the clip itself, a little blurred and with noise. References: pytorch-fid (its own network
class and distance), lpips (AlexNet and VGG, its own forward pass), scikit-image.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.stages.stages import prepare
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.distribution.fid import inception_features
from bench_lipsync.metrics.distribution.frechet import frechet_distance
from bench_lipsync.metrics.distribution.kid import kernel_distance
from bench_lipsync.metrics.image.lpips import load_lpips, lpips_distance
from bench_lipsync.metrics.image.psnr import psnr
from bench_lipsync.metrics.image.ssim import ssim
from bench_lipsync.models.backbones.fold_batchnorm import fold_inception
from bench_lipsync.models.backbones.inception import load_inception

Frames = NDArray[np.uint8]


class Row(NamedTuple):
    """One comparison."""

    clip: str
    metric: str
    ours: float
    reference: float

    @property
    def difference(self) -> float:
        """Relative to the reference."""
        return abs(self.ours - self.reference) / max(abs(self.reference), 1e-12)


def worsened(truth: Frames, seed: int) -> Frames:
    """`truth` out of focus and with noise."""
    import cv2

    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 4, truth.shape)
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.2) for frame in truth])
    levels: Frames = np.clip(np.round(soft + noise), 0, 255).astype(np.uint8)
    return levels


_PYTORCH_FID_NAMES = {
    **{0: "Conv2d_1a_3x3", 1: "Conv2d_2a_3x3", 2: "Conv2d_2b_3x3", 4: "Conv2d_3b_1x1", 5: "Conv2d_4a_3x3"},
    **{7: "Mixed_5b", 8: "Mixed_5c", 9: "Mixed_5d", 10: "Mixed_6a", 11: "Mixed_6b", 12: "Mixed_6c", 13: "Mixed_6d"},
    **{14: "Mixed_6e", 15: "Mixed_7a", 16: "Mixed_7b", 17: "Mixed_7c"},
}
"""What pytorch-fid calls the layers that ours numbers."""


def pytorch_fid_network(ours: torch.nn.Module) -> torch.nn.Module:
    """pytorch-fid's own class, spared its download: it gets our weights, by its names."""
    from pytorch_fid import inception

    state = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}  # Never used for features.
    for key, value in ours.state_dict().items():
        _, number, rest = key.split(".", 2)
        state[f"{_PYTORCH_FID_NAMES[int(number)]}.{rest}"] = value
    with mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state):
        network: torch.nn.Module = inception.InceptionV3([3]).eval()
    return network


class Comparison:
    """The networks of both sides, and what was found."""

    def __init__(self) -> None:
        self.ours = fold_inception(load_inception())
        self.theirs = pytorch_fid_network(load_inception())
        self.lpips = {net: load_lpips(net) for net in ("alex", "vgg")}
        self.rows: list[Row] = []
        self.features: list[tuple[NDArray[np.float32], ...]] = []

    def add(self, clip: PreparedClip, count: int) -> None:
        """Compare the first `count` frames of `clip`."""
        truth = np.concatenate(list(clip.read_frames(stop=count)))
        output = worsened(truth, 0)
        for name, ours, reference in (
            ("SSIM", ssim(output, truth), _skimage_ssim(output, truth)),
            ("PSNR", psnr(output, truth), _skimage_psnr(output, truth)),
            *(
                (f"LPIPS[{net}]", lpips_distance(m, output, truth), _lpips(m, output, truth))
                for net, m in self.lpips.items()
            ),
        ):
            self.rows.append(Row(clip.id, name, float(np.mean(ours)), float(np.mean(reference))))
        ours = [inception_features(self.ours, frames) for frames in (output, truth)]
        theirs = [_features(self.theirs, frames) for frames in (output, truth)]
        self.features.append((*ours, *theirs))
        self.rows.append(Row(clip.id, "FID features (norm)", *(float(np.linalg.norm(x[0])) for x in (ours, theirs))))
        worst = float(np.abs(ours[0] - theirs[0]).max() / np.abs(theirs[0]).max())
        self.rows.append(Row(clip.id, "FID features (1 + worst error)", 1 + worst, 1.0))

    def pool(self) -> None:
        """FID of all clips together."""
        from pytorch_fid.fid_score import calculate_frechet_distance

        output, truth, *theirs = (list(side) for side in zip(*self.features, strict=True))
        moments = [
            f(np.concatenate(side), 0) for side in theirs for f in (np.mean, lambda x, _: np.cov(x, rowvar=False))
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It uses an argument of scipy that is going away.
            reference = float(calculate_frechet_distance(*moments))
        self.rows.append(Row("all clips", "FID", frechet_distance(output, truth), reference))
        self.rows.append(Row("all clips", "KID", *_kid(output, truth, *theirs)))


def _kid(*sides: list[NDArray[np.float32]]) -> tuple[float, float]:
    """Ours from our features and torch-fidelity's from pytorch-fid's, over the same random subsets."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    frames = sum(map(len, sides[0])) * 3 // 4
    theirs = (torch.from_numpy(np.concatenate(side)) for side in sides[2:])
    reference = kid_features_to_metric(*theirs, kid_subsets=100, kid_subset_size=frames, verbose=False)
    ours = kernel_distance(sides[0], sides[1], 100, frames)
    return ours.mean, float(reference["kernel_inception_distance_mean"])


@torch.inference_mode()
def _features(network: torch.nn.Module, frames: Frames) -> NDArray[np.float32]:
    # As its command does: ordinary layout, values in [0, 1].
    batches = torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous().float().div(255).split(8)
    found: NDArray[np.float32] = torch.cat([network(batch)[0].flatten(1) for batch in batches]).numpy()
    return found


@torch.inference_mode()
def _lpips(model: Any, output: Frames, truth: Frames) -> NDArray[np.float64]:
    import lpips

    # The package's own reading of a picture, one pair at a time.
    pairs = zip(output, truth, strict=True)
    return np.array([float(model(*(lpips.im2tensor(frame) for frame in pair))) for pair in pairs])


def _skimage_ssim(output: Frames, truth: Frames) -> NDArray[np.float64]:
    from skimage.metrics import structural_similarity

    settings: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = zip(output, truth, strict=True)
    return np.array([structural_similarity(*pair, channel_axis=2, data_range=255, **settings) for pair in pairs])


def _skimage_psnr(output: Frames, truth: Frames) -> NDArray[np.float64]:
    from skimage.metrics import peak_signal_noise_ratio

    return np.array([peak_signal_noise_ratio(b, a, data_range=255) for a, b in zip(output, truth, strict=True)])


def main() -> None:
    """Compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--frames", type=int, default=10, help="of each clip (default: 10)")
    options = parser.parse_args()
    fields = {"models": ("ground-truth",), "dataset": options.dataset, "data_root": options.data_root, "split": "all"}
    spec = make_spec({key: value for key, value in fields.items() if value is not None})
    comparison, done = Comparison(), 0
    for clip in select_clips(spec).clips:
        if done == options.clips:
            break
        try:
            comparison.add(prepare(clip, spec.size, Store()), options.frames)
            done += 1
        except ClipError as error:
            print(f"{clip.id} left out: {error}")
    comparison.pool()
    print(f"{'clip':32} {'metric':32} {'ours':>14} {'reference':>14} {'difference':>11}")
    for row in comparison.rows:
        print(f"{row.clip[:32]:32} {row.metric:32} {row.ours:14.8f} {row.reference:14.8f} {row.difference:11.1e}")


if __name__ == "__main__":
    main()
