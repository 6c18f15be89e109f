"""The training loop of all networks: steps, progress, callbacks, saves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util import progress
from bench_lipsync.models.training.trainer import L, Trainer


class Callback(NamedTuple, Generic[L]):
    """Something that is done now and then while training."""

    every: int
    """Steps between two calls; 0 is never."""
    call: Callable[[L], None]
    """Called with the losses of the step that was just taken."""
    at_end: bool = False
    """Also after the last step."""


def fit(
    trainer: Trainer[L],
    callbacks: Sequence[Callback[L]],
    save: Callable[[], None],
    *,
    title: str = "train",
    quiet: bool = False,
) -> None:
    """Train up to the last step of the settings.

    Args:
        trainer: What is trained; goes on after `trainer.done` steps.
        callbacks: Called after a step in this order, before it is saved.
        save: Called every `save_every` steps and at the end.
        title: Of the progress bar.
        quiet: Whether to show no progress.

    Raises:
        BenchError: If a loss is not finite; nothing is saved then.

    """
    steps = trainer.settings.steps
    with progress.stage(title, steps - trainer.done, quiet=quiet) as tick:
        while trainer.done < steps:
            losses = trainer.step()
            done = trainer.done
            _check_finite(losses, done)
            for callback in callbacks:
                if callback.every and (done % callback.every == 0 or (callback.at_end and done == steps)):
                    callback.call(losses)
            if done % trainer.settings.save_every == 0 and done < steps:
                save()
            tick(trainer.note(losses))
    save()


def _check_finite(losses: L, step: int) -> None:
    for name, value in losses._asdict().items():
        if not math.isfinite(float(value)):
            raise BenchError(f"the loss is {float(value)} at step {step} ({name}); lower the learning rate")
