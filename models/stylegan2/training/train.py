"""Training a StyleGAN2 generator from prepared clips to a prior."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.stylegan2.prior import Prior, PriorInfo, save_prior
from bench_lipsync.models.stylegan2.training.data import load_frames
from bench_lipsync.models.stylegan2.training.settings import GanSettings
from bench_lipsync.models.stylegan2.training.sheet import write_sheet
from bench_lipsync.models.stylegan2.training.trainer import GanLosses, GanTrainer
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.metrics_log import MetricsLog

STATE = "state.pt"
WEIGHTS = "prior.safetensors"
LOG_EVERY = 20
"""Steps between rows of `log.csv`."""


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    settings: GanSettings,
    *,
    name: str = "stylegan2",
    trained_on: str = "unstated",
    device: str = "cpu",
) -> Path:
    """Train on the frames of `clips` in folder `out`; goes on where an earlier call stopped.

    Args:
        clips: Prepared clips.
        out: Gets `prior.safetensors` (averaged generator), `state.pt` (to resume), `log.csv` and `sheets/`.
        settings: Of the training.
        name: Of the prior.
        trained_on: What the prior says about its training data.
        device: Torch device.

    Returns:
        Path of the prior.

    Raises:
        BenchError: For too few or too small clips, a folder of another training, and a loss that is not finite.

    """
    trainer = GanTrainer(settings, load_frames(clips, out / "data", settings.network.resolution), device)
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    formats = dict.fromkeys(GanLosses._fields, ".5f")
    columns = ("kimg", *GanLosses._fields, "seconds")
    log = MetricsLog(out / "log.csv", columns, trainer.done, formats=formats, board=False)

    def kimg() -> float:
        return trainer.done * settings.batch / 1000

    def add_row(losses: GanLosses) -> None:
        log.add(trainer.done, {"kimg": kimg(), **losses._asdict()})

    def add_sheet(_: GanLosses) -> None:
        write_sheet(out / "sheets" / f"{trainer.done:06d}.png", trainer.ema, trainer.device)

    def save() -> None:
        trainer.save(out / STATE)
        ema = trainer.ema
        info = PriorInfo(name=name, trained_on=trained_on, seed=settings.seed, kimg=kimg())
        states = ema.synthesis.state_dict(), ema.mapping.state_dict()
        save_prior(out / WEIGHTS, Prior(states[0], ema.mapping.w_avg, ema.config, states[1], info), half=True)

    fit(trainer, [Callback(LOG_EVERY, add_row), Callback(settings.sheet_every, add_sheet)], save)
    return out / WEIGHTS
