"""Not a test: a small training run in a process of its own, `python train_tiny.py OUT CHANGES-AS-JSON`.

The arrays of three clips that do not exist are made at random, so that no footage, landmarks or weights are needed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.training.data import data_folder
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.stylelipsync.training.train import run
from bench_lipsync.models.training.clip_arrays import ClipSpan
from bench_lipsync.models.training.distributed import first_alone, join, leave
from bench_lipsync.models.training.settings import change_settings
from bench_lipsync.models.training.split import split_clips

FRAMES = 12
CONFIG = StyleLipSyncConfig(
    resolution=16,
    channel_base=128,
    channel_max=8,
    w_dim=8,
    audio_widths=(4, 4, 8, 8),
    audio_blocks=(1, 1, 1, 1),
    reference_channel_base=128,
    reference_channel_max=8,
)
SETTINGS = TrainSettings(
    network=CONFIG,
    steps=60,
    batch=2,
    frames=3,
    lr=2e-3,
    lr_decoder=1e-2,
    lambda_lpips=0.0,
    lambda_sync=0.0,
    lambda_tone=1.0,
    composite=True,
    train_synthesis=True,
    flip=True,
    colour=0.1,
    gamma=0.1,
    save_every=10,
    sheet_every=10_000,
    validate_every=0,
)


def clips() -> list[PreparedClip]:
    """Three people whose names and hashes are all that there is of them."""
    meta = {"frames": FRAMES, "size": 64}
    return [PreparedClip(name, name, Path("nowhere"), meta | {"content_hash": name}) for name in ("a", "b", "c")]


def write_arrays(clips: list[PreparedClip], folder: Path) -> None:
    """Random pictures and sounds in the layout of `load_data`."""
    rng = np.random.default_rng(len(clips))
    count, size = FRAMES * len(clips), CONFIG.resolution
    folder.mkdir(parents=True)
    np.save(folder / "frames.npy", rng.integers(0, 255, (count, size, size, 3), np.uint8))
    np.save(folder / "keep.npy", rng.integers(0, 2, (count, size, size), np.uint8) * 255)
    np.save(folder / "mel.npy", rng.standard_normal((count, 20, 80)).astype(np.float32))
    np.save(folder / "mouth.npy", np.tile(np.float32([0, 0.4, 0.4]), (count, 1)))
    spans = [asdict(ClipSpan(clip.id, clip.identity, FRAMES * i, FRAMES)) for i, clip in enumerate(clips)]
    (folder / "clips.json").write_text(json.dumps(spans))


def main(out: Path, changes: dict[str, object]) -> None:
    torch.set_num_threads(1)
    ranks = join()
    with first_alone(ranks):
        for part in split_clips(clips()):
            folder = data_folder(part, out / "data", CONFIG)
            if not folder.is_dir():
                write_arrays(part, folder)
    run(clips(), out, change_settings(SETTINGS, changes, "tiny"), ranks=ranks)
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
