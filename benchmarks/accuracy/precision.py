"""What other arithmetic changes in the frames that are written: demo weights (or any) on demo clips, in 8-bit levels.

`python benchmarks/accuracy/precision.py --help`; what it gave is in docs/speed.md. Clips that are prepared already are
not prepared again (`BENCH_CACHE`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.stages.stages import prepare
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.image.psnr import psnr
from bench_lipsync.models.audio.mel import clip_windows
from bench_lipsync.models.stylelipsync.checkpoint import load_checkpoint
from bench_lipsync.models.stylelipsync.inference.inference import prepare_inference
from bench_lipsync.models.stylelipsync.mask.paste import clip_keep_planes
from bench_lipsync.models.stylelipsync.model import DEMO_WEIGHTS
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.vision.frames import composite, resize, to_tensor, to_uint8
from bench_lipsync.models.vision.mouth import mouth_squares

Decode = Callable[[Tensor, Tensor], Tensor]


class Inputs(NamedTuple):
    """The first frames of one clip, ready for a decoder."""

    truth: NDArray[np.uint8]
    keep: NDArray[np.float32]
    masked: Tensor
    ws: Tensor
    tone: Tensor

    def frames(self, decode: Decode) -> NDArray[np.uint8]:
        """Frames as `bench run` writes them."""
        return composite(to_uint8(decode(self.masked, self.ws) + self.tone), self.truth, self.keep)


def load(clip: PreparedClip, net: StyleLipSyncNet, count: int) -> Inputs:
    """Take the first `count` frames of `clip`."""
    truth = np.concatenate(list(clip.read_frames(stop=count)))
    keep = clip_keep_planes(clip, net.config.mask, 0, len(truth), net.config.mesh)
    size = net.config.resolution
    scaled = to_tensor(resize(truth, size))
    plane = torch.from_numpy(np.ascontiguousarray(resize(keep, size)))[:, None]
    mouth = torch.from_numpy(mouth_squares(clip.faces.landmarks[:1] / np.float32(clip.size)))
    tone = tone_of(net.config, scaled[:1], mouth)
    masked = masked_input(net.config, scaled, plane, tone)
    mel = clip_windows(clip.audio(), clip.frames)[None, : len(truth)]
    return Inputs(truth, keep, masked, net.latents(mel, scaled[:1] - tone)[0], tone)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=DEMO_WEIGHTS, help="a checkpoint (default: the demo weights)")
    parser.add_argument("--clips", type=int, default=3, help="of the demo set's test split (default: 3)")
    parser.add_argument("--frames", type=int, default=16, help="of each clip (default: 16)")
    parser.add_argument("--compiled", action="store_true", help="torch.compile too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = load_checkpoint(options.weights).net
    spec = make_spec({"models": ["static"], "dataset": "demo", "split": "test", "limit": options.clips})
    store = Store()
    decoders: dict[str, Decode] = {"network": net.decode}
    for precision in ("fp32", "bf16"):
        for compiled in (False, True)[: 1 + options.compiled]:
            name = precision + "-compiled" * compiled
            decoders[name] = prepare_inference(net, precision, compiled).decode
    with torch.inference_mode():
        inputs = [load(prepare(clip, spec.size, store), net, options.frames) for clip in select_clips(spec).clips]
        made = {name: [one.frames(decode) for one in inputs] for name, decode in decoders.items()}
    print(f"{options.weights.name}: {len(inputs)} clips, {options.frames} frames each, {spec.size} px")
    print(
        f"{'variant':14} {'PSNR to truth':>13} {'PSNR to network':>15} {'levels: most':>12} {'share that differ':>17}"
    )
    for name, frames in made.items():
        pairs = list(zip(frames, made["network"], strict=True))
        to_truth = np.mean([psnr(a, one.truth).mean() for a, one in zip(frames, inputs, strict=True)])
        to_network = np.mean([psnr(a, b).mean() for a, b in pairs])
        apart = np.concatenate([np.abs(a.astype(int) - b).ravel() for a, b in pairs])
        print(f"{name:14} {to_truth:13.4f} {to_network:15.2f} {apart.max():12d} {np.mean(apart > 0):17.2e}")


if __name__ == "__main__":
    main()
