"""Carries out an ablation: one run for all variants, and one for every point of an adaptation curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.ablation.variants import Ablation, CurvePoint, Variants, differing_settings
from bench_lipsync.harness.run.finalize import RunOutcome
from bench_lipsync.harness.run.pipeline import RunOptions, execute
from bench_lipsync.harness.run.spec import AdaptSpec, RunSpec


class Ablated(NamedTuple):
    """A finished ablation."""

    outcome: RunOutcome
    """Of the run that the tables are about."""
    ablation: Ablation


def carry_out(
    spec: RunSpec, variants: Variants, options: RunOptions, seconds: Sequence[float] = (), steps: Sequence[int] = ()
) -> Ablated:
    """Run or reuse every variant with the seed and clip list of `spec`.

    Args:
        spec: The run.
        variants: The models to compare.
        options: How the run is carried out.
        seconds: Amounts of footage to adapt on. Several amounts, or several `steps`, make an adaptation curve: a run
            for each combination in `curve/` of the run folder; the tables are about the largest. Adaptations with a
            constant learning rate are carried out once, up to the largest number of steps.
        steps: Numbers of adaptation steps.

    Returns:
        The run that the tables are about, and the ablation.

    """
    settings = differing_settings(variants)  # first: a variant without weights must not be found out after an hour
    amounts: list[AdaptSpec | None] = [spec.adapt]
    if spec.adapt is not None and (seconds or steps):
        taken = sorted(set(seconds)) or [spec.adapt.seconds]
        counted: list[int | None] = [*sorted(set(steps))] or [spec.adapt.steps]
        smaller = {n: tuple(m for m in sorted(set(steps)) if n and m < n) for n in counted}
        amounts = [
            spec.adapt.model_copy(update={"seconds": s, "steps": n, "earlier": smaller[n]})
            for s in taken
            for n in counted
        ]
    main = execute(spec.model_copy(update={"adapt": amounts[-1]}), options)
    ablation = Ablation(variants, spec.modes, main.result, main.folder, settings)
    if len(amounts) == 1:
        return Ablated(main, ablation)
    points = []
    # The longest first: on its way it may leave the shorter ones in the store.
    for amount in reversed(amounts):
        if amount is not None:
            one = main
            if amount is not amounts[-1]:
                one = execute(spec.model_copy(update={"adapt": amount}), _beside(options, main.folder, amount))
            points.append(CurvePoint(amount.seconds, amount.steps, one.result))
    return Ablated(main, replace(ablation, curve=tuple(reversed(points))))


def _beside(options: RunOptions, folder: Path, amount: AdaptSpec) -> RunOptions:
    name = f"{amount.seconds:g}s" + (f"-{amount.steps}steps" if amount.steps else "")
    return replace(options, out=folder / "curve" / name, report=None)
