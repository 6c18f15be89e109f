"""The Python API: `evaluate` does from Python what `bench run` does on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from bench_lipsync.harness.results.schema import RunResult
    from bench_lipsync.harness.run.spec import RunSpec


@dataclass(frozen=True)
class Evaluation:
    """A finished run: its numbers, and the folder that holds everything else.

    In a notebook it shows its table.
    """

    result: RunResult
    """The content of `run.json`: numbers with signatures and intervals, clips, failures, provenance."""
    folder: Path
    report: Path | None = None
    """The HTML page, if one was written."""

    @classmethod
    def load(cls, folder: str | Path) -> Evaluation:
        """Open a run folder that `bench run` or `evaluate` wrote.

        Raises:
            BenchError: If the folder holds no run, or a damaged one.

        """
        from bench_lipsync.harness.results.schema import read_result

        page = Path(folder) / "report.html"
        return cls(read_result(Path(folder)), Path(folder), page if page.is_file() else None)

    def table(self) -> pd.DataFrame:
        """The results table.

        Returns:
            One row for each model (bound rows included) and one float column for each metric, named `NAME[variant]`;
            NaN where a number could not be computed (`metrics()` says why).

        """
        import pandas as pd

        values: dict[str, dict[str, float | None]] = {str(card["name"]): {} for card in self.result.models}
        columns = dict.fromkeys(row.column for row in self.result.metrics)
        for row in self.result.metrics:
            values.setdefault(row.model, {})[row.column] = row.value
        table = pd.DataFrame.from_dict(values, orient="index", columns=None, dtype=float)
        return table.reindex(columns=list(columns)).rename_axis(index="model")

    def metrics(self) -> pd.DataFrame:
        """Every number with its 95% interval, sample size, signature and note.

        Returns:
            One row for each model and metric, in the order of the table; columns as the fields of `MetricRow`.

        """
        import pandas as pd

        return pd.DataFrame([row.model_dump(exclude=set(row.FOR_TESTS)) for row in self.result.metrics])

    def clips(self) -> pd.DataFrame:
        """Every clip-level number.

        Returns:
            One row for each model and clip: `model`, `clip`, `identity`, `status`, `reason`, `note`, then one float
            column for each clip-level metric, NaN where the clip has none.

        Raises:
            BenchError: If `clips.parquet` is missing or damaged.

        """
        from bench_lipsync.harness.results.parquet import opened_table
        from bench_lipsync.harness.results.schema import CLIP_COLUMNS, CLIPS_FILE

        path = self.folder / CLIPS_FILE
        if not path.is_file():
            raise BenchError(f"{self.folder} has no {CLIPS_FILE}; evaluate again to write it")
        with opened_table(path, CLIP_COLUMNS) as file:
            table: pd.DataFrame = file.read().to_pandas()
        return table

    def render(self, format: str = "text") -> str:
        """The table as `bench table` writes it.

        Args:
            format: `text`, `markdown`, `latex`, `csv` or `json`.

        Raises:
            BenchError: If the format is unknown.

        """
        from bench_lipsync.reports.table.render import render_table

        return render_table(self.folder, format)

    def _repr_html_(self) -> str:
        return str(self.table().to_html(float_format="{:.3f}".format, na_rep="", border=0))


def evaluate(
    spec: RunSpec | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int = 1,
    report: bool = True,
    force: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Evaluation:
    """Run models on a data set and score them; the same numbers as `bench run`.

    Prints nothing but a progress display on stderr (in a notebook, below the cell), and leaves the logging, threads and
    environment of the process as they were. Finished work is taken from the store: the same call again recomputes
    nothing, and after an interruption it goes on where it stopped.

    Args:
        spec: What to run. Alternatively, pass the fields of `RunSpec` as keywords: `models`, `dataset`, `data_root`,
            `split`, `protocol`, `mode`, `adapt`, `limit`, `clips`, `pairs`, `clip_seconds`, `metrics`, `size`, `seed`.
        out: Run folder; `runs/DATASET-HASH` by default.
        device: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one.
        workers: Processes. With more than one, a script must be guarded by `if __name__ == "__main__":`.
        report: Write `report.html`.
        force: Replace the results of another run in `out`, and a better earlier result of this one.
        progress: Show progress.
        **settings: Fields of `RunSpec`.

    Returns:
        The finished run. Clips that fail are part of it (`result.failures`); they do not raise.

    Raises:
        BenchError: For a name, a value or a file that cannot be used; the message says what to do.

    Example:
        >>> from bench_lipsync import evaluate
        >>> run = evaluate(models="stylelipsync", dataset="folder", data_root="my_clips")  # doctest: +SKIP
        >>> run.table()[["SSIM[wang2004]", "LPIPS[alex]"]]  # doctest: +SKIP

    """
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.run.executors.factory import ExecutorOptions
    from bench_lipsync.harness.run.pipeline import RunOptions, execute
    from bench_lipsync.harness.run.progress_display import progress_display
    from bench_lipsync.harness.run.spec import make_spec
    from bench_lipsync.reports.page.write import write_run_page

    if spec is not None and settings:
        raise BenchError(f"pass either a RunSpec or its fields, not both: {', '.join(settings)}")
    if workers < 1:
        raise BenchError(f"workers is {workers}; it must be 1 or more")
    if spec is None:
        lists = ("models", "metrics")
        texts = {name: (value,) for name, value in settings.items() if name in lists and isinstance(value, str)}
        spec = make_spec({**settings, **texts})
    options = RunOptions(
        out=None if out is None else Path(out),
        device=pick_device(device),
        report=write_run_page if report else None,
        force=force,
        display=progress_display if progress else None,
        executor=ExecutorOptions(workers=workers),
    )
    outcome = execute(spec, options)
    return Evaluation(outcome.result, outcome.folder, outcome.report)
