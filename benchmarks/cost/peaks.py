"""What a card could do at best, for saying which share of it is used."""

from __future__ import annotations

from typing import NamedTuple


class Peak(NamedTuple):
    """Published dense peaks in 10^12 floating-point operations a second."""

    fp32: float
    """Ordinary cores, without TF32."""
    bf16: float
    """Tensor cores, without sparsity, summed in float32."""


PEAKS: dict[str, Peak] = {
    "NVIDIA H200": Peak(66.9, 989.4),
    "NVIDIA H100 80GB HBM3": Peak(66.9, 989.4),
    "NVIDIA H100 PCIe": Peak(51.2, 756.5),
    "NVIDIA A100": Peak(19.5, 312.0),
    "NVIDIA L40S": Peak(91.6, 362.0),
    "NVIDIA L4": Peak(30.3, 121.0),
    "NVIDIA GeForce RTX 4090": Peak(82.6, 165.2),
}
"""By the name that the driver gives, or how it begins up to a space or hyphen; from the makers' data sheets."""


def find_peak(device_name: str) -> Peak | None:
    """The peak of a card by its name; `None` for cards that are not in the table."""
    for name, peak in PEAKS.items():
        if device_name == name or device_name.startswith((f"{name} ", f"{name}-")):
            return peak
    return None


def share_of_peak(flops_per_frame: int, frames_per_second: float, device_name: str, precision: str) -> str:
    """Such as "41.2 TFLOP/s, 42 % of peak" or "... , peak unknown for NAME"."""
    rate = flops_per_frame * frames_per_second / 1e12
    peak = find_peak(device_name)
    if peak is None:
        return f"{rate:.2f} TFLOP/s, peak unknown for {device_name}"
    best = peak.bf16 if precision == "bf16" else peak.fp32
    return f"{rate:.2f} TFLOP/s, {100 * rate / best:.1f} % of the peak of {best:g}"
