"""Opens run folders for reporting and checks that they may share one table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.clip_table import clip_columns, clip_records
from bench_lipsync.harness.results.common_clips import RunNumbers
from bench_lipsync.harness.results.schema import RunResult, read_result
from bench_lipsync.harness.run.spec import RunSpec, make_spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Source = Path | str | RunResult
"""A run folder, or a result in memory."""

_SHARED = ("dataset", "split", "protocol", "size")
"""Fields of the specification that must agree before two runs may share a table."""


class ComparisonError(BenchError):
    """Runs whose numbers must not stand in one table."""


@dataclass(frozen=True)
class Run:
    """One run as the reports see it."""

    result: RunResult
    folder: Path | None
    """`None` for a result that was never read from disk: it has no previews and no per-clip records."""
    label: str
    """Distinguishes the rows of a model that is in several runs."""

    @cached_property
    def numbers(self) -> RunNumbers:
        """Its numbers as rows are compared by."""
        return RunNumbers(self.result, self.folder)

    def records(self, clips: Collection[str]) -> list[dict[str, Any]]:
        """Rows of `clips.parquet` about `clips`, NaN as `None`; empty where the file is missing."""
        return [] if self.folder is None else list(clip_records(self.folder, clips))

    @cached_property
    def spec(self) -> RunSpec | None:
        """The specification; `None` where another version wrote it and this one cannot read it."""
        try:
            return make_spec(self.result.spec)
        except BenchError:
            return None

    def values(self, columns: Collection[str]) -> dict[tuple[str, str], NDArray[np.float64]]:
        """(clips,) values by model and clip-level column, NaN where a clip has none; empty where the file is missing.

        In the order of `clips.parquet`, which is that of the run's clips where `bench run` wrote it.
        """
        return {} if self.folder is None else clip_columns(self.folder, columns)


def load_runs(sources: Source | Iterable[Source]) -> list[Run]:
    """Open one or several runs for reporting.

    Args:
        sources: Run folders, or results in memory.

    Returns:
        The runs, with distinct labels.

    Raises:
        BenchError: No run was named, or a folder holds none.
        ComparisonError: Two runs differ in clips, data set, split, protocol or size.

    """
    items: Sequence[Source] = [sources] if isinstance(sources, Path | str | RunResult) else list(sources)
    if not items:
        raise BenchError("no run folder was given; name one or more folders that `bench run` wrote")
    runs = [_open(item) for item in items]
    for other in runs[1:]:
        _check(runs[0], other)
    return _distinct(runs)


def _open(source: Source) -> Run:
    if isinstance(source, RunResult):
        return Run(source, None, source.spec_hash[:8])
    folder = Path(source)
    return Run(read_result(folder), folder, folder.resolve().name)


def _check(first: Run, other: Run) -> None:
    for key in _SHARED:
        value, other_value = first.result.spec.get(key), other.result.spec.get(key)
        if value != other_value:
            raise ComparisonError(
                f"{first.label} and {other.label} cannot share a table: {key} is {value!r} in one and {other_value!r} "
                "in the other; report them separately"
            )
    ids, other_ids = ({clip.id for clip in run.result.clips} for run in (first, other))
    if ids != other_ids:
        example = min(ids ^ other_ids)
        raise ComparisonError(
            f"{first.label} and {other.label} cannot share a table: they saw different clips ({len(ids)} and "
            f"{len(other_ids)}; {example!r} is in only one of them); run both on the same list"
        )


def protocol(runs: list[Run]) -> str:
    """The data of a table: dataset, clips, identities, frames, protocol and seed."""
    result = runs[0].result
    identities = len({clip.identity for clip in result.clips})
    frames = sum(clip.frames or 0 for clip in result.clips)
    spec = result.spec
    data = f"{spec.get('dataset')} ({spec.get('split')}), {len(result.clips)} clips of {identities} identities"
    size = f"{frames} frames at {spec.get('size')} px"
    return f"{data}, {size}, {spec.get('protocol')} protocol, seed {spec.get('seed', 0)}"


def _distinct(runs: list[Run]) -> list[Run]:
    """Folders of the same name get their number appended, so that labels tell runs apart."""
    labels = [run.label for run in runs]
    if len(set(labels)) == len(labels):
        return runs
    return [Run(run.result, run.folder, f"{run.label}#{number}") for number, run in enumerate(runs, 1)]
