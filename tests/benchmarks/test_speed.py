"""The arithmetic of the speed benchmark: ratios, operations, shares of a peak; and that it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from benchmarks.cost.peaks import find_peak, share_of_peak
from benchmarks.speed.speed import decode_flops, peak_snr
from benchmarks.speed.timing import Times, interleave, ratios

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "speed" / "speed.py"


def test_ratios_are_taken_round_by_round() -> None:
    # Everything takes ten times as long in the second round: the ratio does not notice.
    assert ratios([2.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == (2.0, 2.0, 3.0)
    times = Times(wall=[3.0, 1.0, 2.0])
    assert (times.best, times.median) == (1.0, 2.0)


def test_rounds_are_interleaved_and_wait_for_the_device() -> None:
    order: list[str] = []
    runs = {name: (lambda name=name: order.append(name)) for name in "ab"}
    times = interleave(runs, 2, lambda: order.append("|"))
    assert "".join(order) == "|a||b|" * 2
    assert all(len(one.wall) == len(one.cpu) == 2 for one in times.values())


def test_operations_of_the_published_network() -> None:
    config = StyleLipSyncConfig()
    convolutions = 0
    for size, channels in config.channels.items():
        below = config.channels.get(size // 2)
        convolutions += 9 * channels * channels * size**2  # conv1
        convolutions += 3 * channels * size**2  # to RGB
        if below is not None:
            convolutions += 9 * below * channels * (size // 2) ** 2  # conv0, before the picture grows
            convolutions += 9 * channels * below * size**2  # face encoder
            convolutions += 9 * below * (size // 2) ** 2  # fusion
    convolutions += 49 * 3 * 64 * 256**2  # the encoder's 7x7
    # What is not in this sum: filters after growing, and the latents' linear maps.
    assert 2 * convolutions < decode_flops(config) < 2.05 * convolutions


def test_peaks_by_name() -> None:
    card = find_peak("NVIDIA A100-SXM4-80GB")
    assert card is not None and card.bf16 == 312
    assert find_peak("NVIDIA L40S") != find_peak("NVIDIA L4")
    assert find_peak("NVIDIA L400") is None
    assert share_of_peak(10**11, 100.0, "NVIDIA L4", "fp32") == "10.00 TFLOP/s, 33.0 % of the peak of 30.3"
    assert share_of_peak(10**11, 100.0, "NVIDIA L4", "bf16") == "10.00 TFLOP/s, 8.3 % of the peak of 121"
    assert share_of_peak(10**11, 100.0, "Abacus 3", "fp32") == "10.00 TFLOP/s, peak unknown for Abacus 3"


def test_peak_snr_is_psnr_for_pictures_from_minus_one_to_one() -> None:
    exact = torch.tensor([-1.0, 1.0, 0.0, 0.5])
    assert peak_snr(exact + 2 / 255, exact) == pytest.approx(48.1308, abs=1e-3)


@pytest.mark.slow
def test_the_script_runs() -> None:
    command = [sys.executable, str(SCRIPT), "--size", "16", "--batch", "2", "--rounds", "1", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    lines = done.stdout.splitlines()
    assert lines[0].startswith("CPU, 1 threads; 16 px, batch 2")
    assert [line.split()[0] for line in lines[2:]] == ["reference", "fp32", "bf16"]
    assert "dB to reference" in lines[3]
