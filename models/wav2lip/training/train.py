"""Training Wav2Lip from prepared clips to weights: data, loop, curves, pictures of people not trained on, resuming."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.util import progress
from bench_lipsync.models.training.metrics_log import Curves
from bench_lipsync.models.training.split import split_clips
from bench_lipsync.models.wav2lip.checkpoint import save_wav2lip
from bench_lipsync.models.wav2lip.crops import network_input, to_bgr, to_rgb
from bench_lipsync.models.wav2lip.network import MEL_COLUMNS
from bench_lipsync.models.wav2lip.training.data import Wav2LipData, load_data
from bench_lipsync.models.wav2lip.training.settings import PRESETS, Wav2LipSettings
from bench_lipsync.models.wav2lip.training.trainer import Losses, Wav2LipTrainer

STATE = "state.pt"
WEIGHTS = "wav2lip.safetensors"
LOG_EVERY = 20
"""Steps between rows of `log.csv`."""
_ROWS = 6


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    preset: str = "demo",
    changes: Mapping[str, object] | None = None,
    *,
    trained_on: str = "unstated",
    device: str = "cpu",
) -> Path:
    """Train on `clips` in folder `out` and return the weights' path; goes on where an earlier call stopped.

    The recipe is `preset` with `changes`, of which those that are `None` are left out. `out` gets
    `wav2lip.safetensors`, `state.pt` (to resume), `log.csv` and `sheets/` (truth, input, output of held-out people).
    """
    settings = make_settings(preset, changes or {})
    split = split_clips([clip for clip in clips if clip.frames >= max(settings.frames, MEL_COLUMNS)])
    out.mkdir(parents=True, exist_ok=True)
    data, held_out = (load_data(part, out / "data") for part in split)
    trainer = Wav2LipTrainer(settings, data, device)
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    facts = {"name": f"wav2lip-{preset}", "trained_on": trained_on, "seed": str(settings.seed)}
    curves = Curves(out, Losses._fields, trainer.done)
    with progress.stage("train", settings.steps - trainer.done) as tick:
        while trainer.done < settings.steps:
            losses = trainer.step()
            if not torch.isfinite(losses.total):
                raise BenchError(f"the loss is {float(losses.total)} at step {trainer.done}; lower the learning rate")
            tick(f"loss {float(losses.total):.4f}")
            if trainer.done % LOG_EVERY == 0:
                curves.add(trainer.done, {name: float(value) for name, value in losses._asdict().items()})
            if trainer.done % settings.sheet_every == 0:
                _write_sheet(out / "sheets" / f"{trainer.done:06d}.png", trainer, held_out)
            if trainer.done % settings.save_every == 0:
                _save(trainer, out, facts)
    _save(trainer, out, facts)
    return out / WEIGHTS


def make_settings(preset: str, changes: Mapping[str, object]) -> Wav2LipSettings:
    """The recipe called `preset` with `changes`. Raises `BenchError` for what it does not know or allow."""
    if preset not in PRESETS:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(PRESETS)}")
    given = {key: value for key, value in changes.items() if value is not None}
    return validate(Wav2LipSettings, {**PRESETS[preset].model_dump(), **given}, f"recipe {preset}")


def _save(trainer: Wav2LipTrainer, out: Path, facts: dict[str, str]) -> None:
    trainer.save(out / STATE)
    save_wav2lip(out / WEIGHTS, trainer.net, {**facts, "steps": str(trainer.done)})


@torch.inference_mode()
def _write_sheet(path: Path, trainer: Wav2LipTrainer, data: Wav2LipData) -> None:
    """One row a sample: truth, reference (the clip's first frame), output."""
    import cv2

    path.parent.mkdir(exist_ok=True)
    chosen = [data.clips[index * len(data.clips) // _ROWS] for index in range(_ROWS)]
    frames = [clip.start + clip.frames * (row + 1) // (_ROWS + 1) for row, clip in enumerate(chosen)]
    truth, reference = data.faces[frames], data.faces[[clip.start for clip in chosen]]
    seen = network_input(to_bgr(truth), to_bgr(reference)).to(trainer.device)
    trainer.net.eval()
    output = to_rgb(trainer.net(torch.from_numpy(np.array(data.mel[frames])).to(trainer.device), seen))
    trainer.net.train()
    rows = [np.hstack(row) for row in zip(truth, reference, output, strict=True)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
