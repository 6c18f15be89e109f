"""Training Wav2Lip from prepared clips to weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.metrics_log import MetricsLog
from bench_lipsync.models.training.split import split_clips
from bench_lipsync.models.wav2lip.checkpoint import save_wav2lip
from bench_lipsync.models.wav2lip.crops import network_input, to_bgr, to_rgb
from bench_lipsync.models.wav2lip.network import MEL_COLUMNS
from bench_lipsync.models.wav2lip.training.data import Wav2LipData, load_data
from bench_lipsync.models.wav2lip.training.settings import Wav2LipSettings
from bench_lipsync.models.wav2lip.training.trainer import Losses, Wav2LipTrainer

STATE = "state.pt"
WEIGHTS = "wav2lip.safetensors"
LOG_EVERY = 20
"""Steps between rows of `log.csv`."""
_ROWS = 6


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    settings: Wav2LipSettings,
    *,
    name: str = "wav2lip",
    trained_on: str = "unstated",
    device: str = "cpu",
) -> Path:
    """Train on `clips` in folder `out`; goes on where an earlier call stopped.

    Args:
        clips: Prepared clips; some identities are held out.
        out: Gets `wav2lip.safetensors`, `state.pt` (to resume), `log.csv` and `sheets/` (ground truth, input and output
            of held-out identities).
        settings: Of the training.
        name: Of the weights.
        trained_on: What the weights say about their training data.
        device: Torch device.

    Returns:
        Path of the weights.

    Raises:
        BenchError: For too few clips, a folder of another training, and a loss that is not finite.

    """
    split = split_clips([clip for clip in clips if clip.frames >= max(settings.frames, MEL_COLUMNS)])
    data, held_out = (load_data(part, out / "data") for part in split)
    trainer = Wav2LipTrainer(settings, data, device)
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    log = MetricsLog(out / "log.csv", (*Losses._fields, "seconds"), trainer.done)

    def add_row(losses: Losses) -> None:
        log.add(trainer.done, {name: float(value) for name, value in losses._asdict().items()})

    def add_sheet(_: Losses) -> None:
        _write_sheet(out / "sheets" / f"{trainer.done:06d}.png", trainer, held_out)

    def save() -> None:
        trainer.save(out / STATE)
        facts = {"name": name, "trained_on": trained_on, "seed": str(settings.seed), "steps": str(trainer.done)}
        save_wav2lip(out / WEIGHTS, trainer.net, facts)

    fit(trainer, [Callback(LOG_EVERY, add_row), Callback(settings.sheet_every, add_sheet)], save)
    return out / WEIGHTS


@torch.inference_mode()
def _write_sheet(path: Path, trainer: Wav2LipTrainer, data: Wav2LipData) -> None:
    """One row a sample: truth, reference (the clip's first frame), output."""
    import cv2

    path.parent.mkdir(exist_ok=True)
    chosen = [data.clips[index * len(data.clips) // _ROWS] for index in range(_ROWS)]
    frames = [clip.start + clip.frames * (row + 1) // (_ROWS + 1) for row, clip in enumerate(chosen)]
    truth, reference = data.faces[frames], data.faces[[clip.start for clip in chosen]]
    masked = network_input(to_bgr(truth), to_bgr(reference)).to(trainer.device)
    trainer.net.eval()
    output = to_rgb(trainer.net(torch.from_numpy(np.array(data.mel[frames])).to(trainer.device), masked))
    trainer.net.train()
    rows = [np.hstack(row) for row in zip(truth, reference, output, strict=True)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
