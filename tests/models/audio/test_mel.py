"""The audio front end against golden values, and the padding rule by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench_lipsync.models.audio.mel import clip_windows, log_mel, mel_filters, mel_windows


@pytest.mark.shared
def test_golden_log_mel_and_windows(shared: Path) -> None:
    golden = np.load(shared / "golden" / "stylelipsync_golden.npz")
    mel = log_mel(torch.from_numpy(golden["mel_waveform"]))
    windows = mel_windows(mel, int(golden["n_video_frames"]))
    for actual, name in ((mel, "log_mel"), (windows[:3], "mel_windows_first3"), (windows[-3:], "mel_windows_last3")):
        np.testing.assert_allclose(actual.numpy(), golden[name], rtol=1e-4, atol=1e-4)


def test_window_starts_eight_mel_frames_before_its_video_frame_and_is_zero_outside() -> None:
    mel = torch.arange(1.0, 42.0)[:, None].expand(41, 80)
    windows = mel_windows(mel, 10)[:, :, 0]
    assert windows.shape == (10, 20)
    assert windows[0].tolist() == [0.0] * 8 + list(range(1, 13))
    assert windows[2].tolist() == list(range(1, 21))
    assert windows[9].tolist() == [*range(29, 42), *[0.0] * 7]


def test_a_prepared_clip_gives_one_window_a_frame() -> None:
    windows = clip_windows(np.zeros(640 * 7, np.int16), 7)
    assert windows.shape == (7, 20, 80)
    assert windows[3].unique().tolist() == [-5.0], "silence is the floor of the logarithm"


def test_filters_peak_where_a_tone_lies() -> None:
    filters = mel_filters()
    assert filters.shape == (257, 80)
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)
    band = log_mel(tone)[50].argmax()
    assert filters[round(1000 / 16000 * 512)].argmax() == band
