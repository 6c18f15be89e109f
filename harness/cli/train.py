"""`bench train`: networks of this project, trained from prepared clips."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.cli._train_options import TARGETS, Target

if TYPE_CHECKING:
    from bench_lipsync.harness.api.clip import PreparedClip

SIZE = 256
"""Side in pixels of the prepared clips that networks are trained from."""
_SET = "Any other setting, as lr=1e-4 or network.mask=box; may be given several times."


Out = Annotated[Path, typer.Option(help="Folder of the training run; an unfinished one is continued.")]
Split = Annotated[str, typer.Option(help="train, all or test.")]


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench train syncnet --dataset demo --split train --out work/syncnet",
        help="Train the networks of this project; every run can be interrupted and goes on where it stopped.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for target in TARGETS:
        group.command(target.name, epilog=f"Example: {target.example}", help=target.help)(_command(target))
    app.add_typer(group, name="train")


def _command(target: Target) -> Callable[..., None]:
    """The function whose signature Typer reads: what all trainings have, and the target's own options."""

    def train(**values: Any) -> None:
        _train(target, values)

    presets: Any = Literal[tuple(target.presets)]
    preset_help = " ".join(f"{name}: {text}." for name, text in target.presets.items())
    parameters: dict[str, tuple[Any, Any]] = {
        "out": (Out, inspect.Parameter.empty),
        "dataset": (options.Dataset, "demo"),
        "data_root": (options.DataRoot, None),
        "split": (Split, "train"),
        "limit": (options.Limit, None),
        target.preset_option: (
            Annotated[presets, typer.Option(help=preset_help)],
            next(iter(target.presets)),
        ),
    }
    for name, option in target.settings.items():
        flags = (option.flags,) if option.flags else ()
        parameters[name] = (Annotated[option.type | None, typer.Option(*flags, help=option.help)], None)
    for name, text in target.files.items():
        parameters[name] = (Annotated[Path | None, typer.Option(help=text, exists=True, dir_okay=False)], None)
    parameters["set_"] = (Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_SET)], None)
    parameters["device"] = (options.Device, "auto")
    # Typer reads options from a function's signature, which here is made of the table.
    train.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in parameters.items()
        ]
    )
    train.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    return train


def _train(target: Target, values: dict[str, Any]) -> None:
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.results.output_guard import check_out_folder
    from bench_lipsync.harness.util.output_marker import mark_output
    from bench_lipsync.models.training.distributed import Ranks, first_alone, join, leave, own_device
    from bench_lipsync.models.training.settings import make_settings

    reads = {f"--{name.replace('_', '-')}": values[name] for name in ("data_root", *target.files) if values[name]}
    check_out_folder(values["out"], "training", reads)
    mark_output(values["out"], "training")
    preset = values[target.preset_option]
    trainer = target.load(preset)
    # Before the clips, whose preparation may take hours.
    settings = make_settings(trainer.presets, preset, _changes(target, values))
    trainer.check(settings)
    device = pick_device(values["device"])
    ranks = join() if target.parallel else Ranks()
    with first_alone(ranks):
        clips = training_clips(values["dataset"], values["data_root"], values["split"], values["limit"])
    arguments: dict[str, Any] = {name: values[name] for name in target.files}
    if target.labelled:
        data = f"{values['dataset']} ({values['split']}, {len(clips)} clips)"
        arguments |= {"name": f"{target.name}-{preset}", "trained_on": data}
    if target.parallel:
        arguments["ranks"], device = ranks, own_device(device)
    weights = trainer.run(clips, values["out"], settings, device=device, **arguments)
    leave()
    if ranks.first:
        print(target.result.format(path=weights))


def _changes(target: Target, values: dict[str, Any]) -> dict[str, Any]:
    """What the options change, nested as the settings are; `--set` has the last word."""
    from bench_lipsync.harness.errors import BenchError

    pairs = [(setting.field or name, values[name]) for name, setting in target.settings.items()]
    pairs += options.key_values(values["set_"], "--set")
    changes: dict[str, Any] = {}
    for key, value in pairs:
        if value is None:
            continue
        *parents, last = key.split(".")
        inner = changes
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise BenchError(f"--set {key}: {parent} is set as a whole already; use one of the two")
        inner[last] = value
    return changes


def training_clips(dataset: str, data_root: Path | None, split: str, limit: int | None) -> list[PreparedClip]:
    """The dataset's clips in canonical form; those that cannot be prepared are named and left out.

    Raises `BenchError` if none is left.
    """
    from bench_lipsync.harness.api.dataset import ClipRequest
    from bench_lipsync.harness.errors import BenchError
    from bench_lipsync.harness.run.selection import list_clips
    from bench_lipsync.harness.stages.stages import prepare_all
    from bench_lipsync.harness.store.mirror import open_store

    selection = list_clips(dataset, ClipRequest(data_root=data_root, split=split), limit)
    prepared = prepare_all(selection.clips, SIZE, open_store())
    for clip_id, error in prepared.failures.items():
        print(f"left out: {clip_id}: {error.reason}", file=sys.stderr)
    if not prepared.clips:
        raise BenchError(f"no clip of {dataset} ({selection.split}) can be trained on; the lines above say why")
    return list(prepared.clips.values())
