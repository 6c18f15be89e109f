"""Baselines as small YAML files for a repository: sorted, rounded, one number a line, so that changes can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.gate.baseline import BASELINE_VERSION, Baseline, baseline_of
from bench_lipsync.harness.results.schema import RUN_FILE, RunResult, read_result
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.harness.util.text_files import read_yaml

MAX_BYTES = 16 << 20
"""No baseline comes near; a larger file is something else."""
_DIGITS = 9
_HEAD = "# The reference of `bench compare`, written by `bench baseline save`; made anew, never edited by hand.\n"


def save_baseline(result: RunResult, path: Path, *, speed: bool = True) -> Path:
    """Write a run's numbers as a baseline file: sorted YAML, rounded to nine digits.

    Args:
        result: The run.
        path: File to write.
        speed: Also keep durations.

    Returns:
        `path`.

    Raises:
        BenchError: The run has no value.

    """
    import yaml

    baseline = baseline_of(result)
    kept = {
        name: row.model_copy(
            update={
                "metrics": {column: value for column, value in row.metrics.items() if value.value is not None},
                "seconds": row.seconds if speed else {},
            }
        )
        for name, row in baseline.models.items()
    }
    kept = {name: row for name, row in kept.items() if row.metrics}
    if not kept:
        raise BenchError("the run has no value at all, so there is nothing to compare with; see its failures")
    columns = {column for row in kept.values() for column in row.metrics}
    baseline = baseline.model_copy(
        update={
            "models": kept,
            "columns": {column: facts for column, facts in baseline.columns.items() if column in columns},
            "stages": baseline.stages if speed else {},
        }
    )
    data = {"baseline": baseline.baseline, **baseline.model_dump(mode="json", exclude_defaults=True)}
    text = yaml.safe_dump(_rounded(data), sort_keys=True, default_flow_style=None, width=10_000, allow_unicode=False)
    return write_text_atomically(path, _HEAD + text)


def _rounded(data: Any) -> Any:
    if isinstance(data, float):
        return float(f"{data:.{_DIGITS}g}")
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list) else data


def open_reference(path: Path) -> Baseline:
    """Open a run folder or a saved baseline.

    Raises:
        BenchError: It is missing or malformed; the message has the command that makes one.

    """
    if path.is_dir():
        return baseline_of(read_result(path), path)
    if path.name == RUN_FILE and path.is_file():
        return baseline_of(read_result(path.parent), path.parent)
    return read_baseline(path)


def read_baseline(path: Path) -> Baseline:
    """Read what `save_baseline` wrote. Raises `BenchError`."""
    if not path.is_file():
        raise BenchError(
            f"there is no baseline at {path}, so nothing was compared; make one from a run that is good: "
            f"bench baseline save RUN --out {path}"
        )
    data = read_yaml(path, "the baseline", MAX_BYTES)
    if not isinstance(data, dict) or "baseline" not in data:
        raise BenchError(f"{path} is neither a run folder nor a baseline; `bench baseline save RUN --out F` writes one")
    if data["baseline"] != BASELINE_VERSION:
        raise BenchError(
            f"{path} has baseline version {data['baseline']}, this bench reads {BASELINE_VERSION}; save it again"
        )
    source = f"{path} is not a baseline that this bench reads"
    return _consistent(validate(Baseline, data, source, "save it again"), path)


def _consistent(baseline: Baseline, path: Path) -> Baseline:
    """Check that values refer to speakers and columns of the file."""
    for name, row in baseline.models.items():
        for column, value in row.metrics.items():
            group = baseline.people.get(value.people)
            parts = len(group.groups) if group else 0
            if column not in baseline.columns or (value.people and group is None) or len(value.sums) != parts:
                raise BenchError(
                    f"{path} was damaged: the {len(value.sums)} parts of {name}, {column} do not fit the rest of the "
                    "file; save it again"
                )
    return baseline
