"""Runs as runs of an experiment tracker: one for each row of the table, on this machine's disk.

Nothing is sent anywhere: what is written can be looked at here, or be sent by the tracker's own tools.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.harness.export.long_table import long_parts
from bench_lipsync.harness.results.schema import read_result
from bench_lipsync.harness.util.sanitize import safe_id


class TrackedRow(NamedTuple):
    """One row of a run as a tracker's run."""

    name: str
    folder: str
    """Safe as a name of a folder."""
    group: str
    """Name of the run folder."""
    settings: dict[str, str]
    values: dict[str, float]
    """By `NAME/variant`: trackers do not admit brackets, and show what stands before the slash as a group."""
    clips: dict[str, list[float]]
    """Values of the clips that have one, in the order of their ids."""


def tracked_rows(folders: list[Path]) -> Iterator[TrackedRow]:
    """Every row with a value of every run folder. Raises as `harness.export.long_table.long_parts`."""
    clips = _values(folders)
    for folder in folders:
        result, run = read_result(folder), folder.resolve().name
        for model, rows in result.rows_with_values().items():
            settings = {
                **{f"spec/{key}": str(value) for key, value in result.spec.items()},
                "spec_hash": result.spec_hash,
                "bench": result.provenance.bench_version,
                "device": result.provenance.device,
                **{f"signature/{_key(row.name, row.variant)}": row.signature for row in rows.values()},
            }
            values = {_key(row.name, row.variant): float(row.value or 0.0) for row in rows.values()}
            yield TrackedRow(
                model, f"{safe_id(run)}/{safe_id(model)}", run, settings, values, clips.get((run, model), {})
            )


def _values(folders: list[Path]) -> dict[tuple[str, str], dict[str, list[float]]]:
    """Values of the clips in the order of their ids, by run and model, then by key."""
    values: dict[tuple[str, str], dict[str, list[float]]] = {}
    for part in long_parts(folders):
        valued = part[part["value"].notna() & part["clip"].notna()].sort_values("clip")
        if len(valued):
            run, model, name, variant = valued.iloc[0][["run", "model", "metric", "variant"]]
            values.setdefault((run, model), {})[_key(str(name), str(variant))] = valued["value"].tolist()
    return {where: dict(sorted(keys.items())) for where, keys in values.items()}


def _key(name: str, variant: str) -> str:
    words = (safe_id(word) for word in (name, variant) if word)
    return "/".join(words)


def tensorboard(folders: list[Path], out: Path) -> Path:
    """One event folder a row: values as scalars at step 0, the clips' values under `clips/`, settings as text."""
    from torch.utils.tensorboard import SummaryWriter

    for row in tracked_rows(folders):
        with SummaryWriter(str(out / row.folder)) as writer:
            for key, value in row.values.items():
                writer.add_scalar(key, value, 0)
            for key, numbers in row.clips.items():
                for step, value in enumerate(numbers):
                    writer.add_scalar(f"clips/{key}", value, step)
            listed = "\n".join(f"    {key}: {value}" for key, value in row.settings.items())
            writer.add_text("settings", listed)
    return out


def wandb(folders: list[Path], out: Path) -> Path:
    """Offline runs for `wandb sync`, whatever `WANDB_MODE` says: results leave this machine only when asked to."""
    import wandb as library

    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("WANDB_SILENT", "true")
    for row in tracked_rows(folders):
        options: dict[str, Any] = {"project": "bench", "group": row.group, "name": row.name, "dir": str(out)}
        with library.init(mode="offline", config=dict(row.settings), **options) as run:
            for step in range(max(map(len, row.clips.values()), default=0)):
                run.log({f"clips/{key}": numbers[step] for key, numbers in row.clips.items() if step < len(numbers)})
            run.summary.update(row.values)
    return out


def mlflow(folders: list[Path], out: Path) -> Path:
    """A database file and artefacts in `out`, for `mlflow ui --backend-store-uri`."""
    import mlflow as library

    out.mkdir(parents=True, exist_ok=True)
    client = library.MlflowClient(tracking_uri=f"sqlite:///{(out / 'mlflow.db').resolve()}")
    experiments: dict[str, str] = {}
    for row in tracked_rows(folders):
        if row.group not in experiments:
            existing = client.get_experiment_by_name(row.group)
            experiments[row.group] = existing.experiment_id if existing else client.create_experiment(row.group)
        run = client.create_run(experiments[row.group], run_name=row.name, tags={"model": row.name})
        for key, value in row.settings.items():
            client.log_param(run.info.run_id, key, value[:500])
        for key, number in row.values.items():
            client.log_metric(run.info.run_id, key, number)
        for key, numbers in row.clips.items():
            for step, number in enumerate(numbers):
                client.log_metric(run.info.run_id, f"clips/{key}", number, step=step)
        client.set_terminated(run.info.run_id)
    return out
