"""The audio front end: log-mel at 100 frames a second, cut into one window of 200 ms for every video frame."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SAMPLE_RATE = 16_000
FPS = 25
N_FFT, WIN_LENGTH, HOP_LENGTH = 512, 400, 160
N_MELS, F_MIN, F_MAX = 80, 55.0, 7600.0
WINDOW = 20
"""Mel frames of one window: five video frames."""
MEL_PER_FRAME = SAMPLE_RATE // HOP_LENGTH // FPS
_LEAD = 2 * MEL_PER_FRAME
"""The window of video frame t begins this many mel frames before that frame does."""
_FLOOR = 1e-5


def mel_filters() -> Tensor:
    """Triangular filters (257, 80) on the HTK mel scale, 55 to 7600 Hz, each with its peak at one."""
    frequencies = torch.linspace(0, SAMPLE_RATE // 2, N_FFT // 2 + 1, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (torch.linspace(_mel(F_MIN), _mel(F_MAX), N_MELS + 2, dtype=torch.float64) / 2595.0) - 1.0)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies[:, None] - lower) / (centre - lower)
    falling = (upper - frequencies[:, None]) / (upper - centre)
    return torch.minimum(rising, falling).clamp(min=0.0).float()


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def log_mel(waveform: Tensor) -> Tensor:
    """Waveform (N,) float32 in [-1, 1] at 16 kHz to log10 mel power (N // 160 + 1, 80), floored at -5."""
    spectrum = torch.stft(
        waveform,
        N_FFT,
        hop_length=HOP_LENGTH,
        win_length=WIN_LENGTH,
        window=torch.hann_window(WIN_LENGTH, device=waveform.device),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = spectrum.abs().square()
    return (power.t() @ mel_filters().to(waveform.device)).clamp(min=_FLOOR).log10()


def mel_windows(mel: Tensor, frames: int) -> Tensor:
    """Windows (frames, 20, 80): window t is mel frames 4t-8 to 4t+12 of `mel` (M, 80), with 0.0 beyond its ends.

    Zero is what the published code pads with; silence would be -5.
    """
    after = max(0, MEL_PER_FRAME * (frames - 1) - _LEAD + WINDOW - mel.shape[0])
    padded = F.pad(mel, (0, 0, _LEAD, after))
    return padded.unfold(0, WINDOW, MEL_PER_FRAME)[:frames].transpose(1, 2).contiguous()


def clip_windows(audio: NDArray[np.int16], frames: int) -> Tensor:
    """Windows (frames, 20, 80) of prepared audio: int16 at 16 kHz."""
    waveform = torch.from_numpy(audio.astype(np.float32) / 32768.0)
    return mel_windows(log_mel(waveform), frames)
