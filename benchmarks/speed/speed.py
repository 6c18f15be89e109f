"""Frames a second of face encoder and decoder, against the arithmetic of the published code, in one interleaved run.

`python benchmarks/speed/speed.py --help`; what it gave is in docs/speed.md. Weights are random, of the published size:
time does not depend on their values.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.models.stylelipsync.inference.inference import prepare_inference
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from benchmarks.cost.peaks import share_of_peak
from benchmarks.speed.reference_ops import reference_decode
from benchmarks.speed.timing import interleave, ratios

VARIANTS = ("reference", "network", "fp32", "bf16", "fp32-compiled", "bf16-compiled")
"""`reference`: the published arithmetic; `network`: the module as it is trained; the others: `prepare_inference`."""


def decode_flops(config: StyleLipSyncConfig) -> int:
    """Floating-point operations of `net.decode` for one frame (a multiplication and an addition are two)."""
    # Fake tensors have shapes and a device, but no memory and no time.
    with FakeTensorMode(), FlopCounterMode(display=False) as counter, torch.no_grad():
        net = StyleLipSyncNet(config).eval().requires_grad_(False)
        size = config.resolution
        net.decode(torch.empty(1, 3, size, size), torch.empty(1, config.num_ws, config.w_dim))
    return int(counter.get_total_flops())


def peak_snr(actual: Tensor, exact: Tensor) -> float:
    """20 log10 of the exact frames' span over the root mean square difference, dB: PSNR for pictures of any range."""
    rms = (actual.double() - exact.double()).square().mean().sqrt()
    return float(20 * torch.log10((exact.max() - exact.min()).double() / rms))


def build(names: list[str], net: StyleLipSyncNet, masked: Tensor, ws: Tensor) -> dict[str, Callable[[], Tensor]]:
    """A call for each variant."""
    runs: dict[str, Callable[[], Tensor]] = {}
    for name in names:
        if name == "reference":
            runs[name] = lambda: reference_decode(net, masked, ws)
        elif name == "network":
            runs[name] = lambda: net.decode(masked, ws)
        else:
            precision, _, compiled = name.partition("-")
            inference = prepare_inference(net, precision, bool(compiled))  # type: ignore[arg-type]
            runs[name] = partial(inference.decode, masked, ws)
    return runs


def main() -> None:
    """Measure and print a table."""
    options = parse()
    torch.set_num_threads(options.threads)
    # In float32 means in float32: TF32 would be another arithmetic with another peak.
    torch.backends.cudnn.allow_tf32 = False
    config = StyleLipSyncConfig(resolution=options.size)
    torch.manual_seed(0)
    net = StyleLipSyncNet(config).eval().to(options.device)
    masked = torch.randn(options.batch, 3, options.size, options.size, device=options.device).tanh()
    ws = torch.randn(options.batch, config.num_ws, config.w_dim, device=options.device)
    cuda = options.device.startswith("cuda")
    wait = torch.cuda.synchronize if cuda else (lambda: None)
    flops = decode_flops(config)
    where = torch.cuda.get_device_name(options.device) if cuda else f"CPU, {options.threads} threads"
    print(
        f"{where}; {options.size} px, batch {options.batch}, {flops / 1e9:.1f} GFLOP a frame, {options.rounds} rounds"
    )
    with torch.inference_mode():
        runs = build(options.variants, net, masked, ws)
        frames = {name: run().float().cpu() for name, run in runs.items()}
        times = interleave(runs, options.rounds, wait)
    base = options.variants[0]
    compared = f"times {base} by clock [low, high], by CPU time"
    print(f"{'variant':14} {'s/frame min':>11} {'median':>8} {'frames/s':>9}  {compared}")
    for name, measured in times.items():
        low, middle, high = ratios(times[base].wall, measured.wall)
        _, by_cpu, _ = ratios(times[base].cpu, measured.cpu)
        rate = options.batch / measured.median
        line = f"{name:14} {measured.best / options.batch:11.4f} {measured.median / options.batch:8.4f} {rate:9.3f}"
        line += f"  {middle:.2f} [{low:.2f}, {high:.2f}], {by_cpu:.2f}"
        if name != base:
            line += f"  {peak_snr(frames[name], frames[base]):.1f} dB to {base}"
        if cuda:
            line += "  " + share_of_peak(flops, rate, where, name.partition("-")[0])
        print(line)


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 (default: cpu)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: 2)")
    parser.add_argument("--batch", type=int, default=8, help="frames at once (default: 8, as published)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each variant (default: 5)")
    parser.add_argument("--size", type=int, default=256, help="pixels (default: 256, as published)")
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=VARIANTS,
        default=["reference", "fp32", "bf16"],
        help="the first is compared with",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
