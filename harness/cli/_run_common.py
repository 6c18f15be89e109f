"""What the commands that carry out runs share: set-up of libraries, the printed result, the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench_lipsync.harness.run.finalize import PageWriter, RunOutcome
    from bench_lipsync.harness.run.spec import RunSpec


def given(**values: Any) -> dict[str, Any]:
    """The options that were given; those that are `None` keep their default."""
    return {key: value for key, value in values.items() if value is not None}


def page_writer(report: bool) -> PageWriter | None:
    """What the engine calls to write the page of a run; `None` without a report."""
    if not report:
        return None
    from bench_lipsync.reports.page.write import write_run_page

    return write_run_page


def show(outcome: RunOutcome, as_json: bool) -> None:
    """Print the table of a finished run, or its `run.json`, and its location; first its profile, if it has one."""
    from bench_lipsync.harness.profiling.summary import profile_table
    from bench_lipsync.reports.table.console import print_result

    if outcome.profile:
        print(profile_table(outcome.profile), file=sys.stderr)
    if as_json:
        print(outcome.result.model_dump_json(indent=1))
    else:
        print_result(outcome.folder)
    print(f"run folder: {outcome.folder}", file=sys.stderr)
    if outcome.report:
        print(f"report:     {outcome.report}", file=sys.stderr)


def exit_code(outcome: RunOutcome, spec: RunSpec) -> int:
    """0, or 1 where a requested model has no value at all."""
    scored = {row.model for row in outcome.result.metrics if row.value is not None}
    return 0 if all(name in scored for name in spec.row_names()) else 1
