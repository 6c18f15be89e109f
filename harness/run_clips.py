"""`clips.parquet` and the failure list: one row per model and clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.aggregate import ModelRun
from harness.files import appearing
from harness.metric import MetricInfo
from harness.results import CLIP_COLUMNS, CLIPS_FILE, Failure
from harness.status import ClipError, Status

_NAMED = 3


def pair_outcome(run: ModelRun, clip: str) -> ClipError | None:
    """How (model, clip) ended: `None` for ok, else the failure; the first one if several scorers failed."""
    if clip in run.failures:
        return run.failures[clip]
    scores = run.scores.get(clip)
    if scores is None:
        return ClipError(Status.MODEL_FAILED, run.unavailable or "not generated")
    return scores.failures[0] if scores.failures else None


def list_failures(runs: Sequence[ModelRun], clips: Sequence[str]) -> list[Failure]:
    """Every (model, clip) pair that did not end in `ok`."""
    pairs = [(run.name, clip, pair_outcome(run, clip)) for run in runs for clip in clips]
    return [
        Failure(model=model, clip=clip, status=error.status.value, reason=error.reason)
        for model, clip, error in pairs
        if error is not None
    ]


def note_lines(runs: Sequence[ModelRun]) -> list[str]:
    """The clips' notes as `MODEL: NOTE (3 clips: a, b, c)`, one line for each note of a model."""
    lines = []
    for run in runs:
        clips: dict[str, list[str]] = {}
        for clip, notes in run.notes.items():
            for note in notes:
                clips.setdefault(note, []).append(clip)
        for note, named in clips.items():
            some = ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")
            lines.append(f"{run.name}: {note} ({len(named)} clip{'' if len(named) == 1 else 's'}: {some})")
    return lines


def write_clips(
    runs: Sequence[ModelRun], identities: Mapping[str, str], infos: Sequence[MetricInfo], folder: Path
) -> Path:
    """Write `clips.parquet`; `identities` maps every clip id of the run to its identity."""
    import pandas as pd

    columns = [info.column for info in infos if info.level == "clip"]
    rows = []
    for run in runs:
        for clip, identity in identities.items():
            error = pair_outcome(run, clip)
            row: dict[str, object] = {
                "model": run.name,
                "clip": clip,
                "identity": identity,
                "status": (error.status if error else Status.OK).value,
                "reason": error.reason if error else "",
                "note": "; ".join(run.notes.get(clip, ())),
            }
            values = run.scores[clip].values if clip in run.scores else {}
            rows.append({**row, **{column: values.get(column) for column in columns}})
    frame = pd.DataFrame(rows, columns=[*CLIP_COLUMNS, *columns])
    frame = frame.astype(dict.fromkeys(columns, "float64"))
    path = folder / CLIPS_FILE
    with appearing(path) as half:
        frame.to_parquet(half, index=False)
    return path
