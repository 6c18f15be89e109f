"""Shards of a run, each carried out by itself, and the run that is merged from them.

The folder of a shard holds `shard.json` (`harness.run.record`) and a small store with everything that it refers to, so
that shards may be made on machines that share nothing; on one disk the small store takes no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.compute.process_state import run_settings
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.results.output_guard import check_out_folder
from bench_lipsync.harness.run.finalize import PageWriter, RunOutcome, finalize
from bench_lipsync.harness.run.folder import (
    KIND,
    SHARD_FILE,
    check_same_run,
    different_settings,
    linker,
    open_run_folder,
)
from bench_lipsync.harness.run.pipeline import Plan, RunOptions, do_tasks, open_plan
from bench_lipsync.harness.run.record import RowRecord, RunRecord
from bench_lipsync.harness.run.selection import Shard
from bench_lipsync.harness.run.spec import RunSpec, load_spec, make_spec
from bench_lipsync.harness.scoring.scorers import load_scorers
from bench_lipsync.harness.store.entry import DEPTH
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.harness.util.output_marker import read_mark
from bench_lipsync.harness.util.sanitize import safe_id

VERSION = 1
STORE = "store"


@dataclass
class Part:
    """What `shard.json` holds."""

    version: int
    number: int
    of: int
    ledger: RunRecord


class ShardOutcome(NamedTuple):
    """A finished shard."""

    folder: Path
    parts: dict[int, Path]
    """Folders of the finished parts of the same run beside it, itself among them, by their number."""
    profile: Profile | None
    """Where the time went, if `RunOptions.profile` asked for it."""


def execute_shard(spec: RunSpec, options: RunOptions, shard: Shard) -> ShardOutcome:
    """Carry out one shard of a run, as `pipeline.execute` does a whole run. Raises `BenchError`."""
    with open_plan(spec, options, shard) as plan:
        record = do_tasks(plan)
        small = Store(plan.folder / STORE)
        for entry in _entries(record):
            small.adopt(plan.store.file(entry))
        part = Part(VERSION, shard.number, shard.of, record)
        _write(part, plan.folder / SHARD_FILE)
    return ShardOutcome(plan.folder, _parts_beside(plan.folder, plan), plan.profile if options.profile else None)


@run_settings()
def merge(
    folders: Sequence[Path], out: Path | None, *, report: PageWriter | None = None, force: bool = False
) -> RunOutcome:
    """Merge all shards of a run into its run folder; only averages are computed.

    Args:
        folders: Folders of all shards, in any order.
        out: The run folder; `None` takes the shards' name without the number.
        report: Writes the page, if given.
        force: Replace the results of another run in `out`, and a better earlier result of this one.

    Raises:
        BenchError: Shards are missing, or were made with other settings, models, metrics or code.

    """
    parts = fitting({folder: read_part(folder) for folder in folders})
    first = next(iter(parts))
    spec = make_spec(load_spec(first / "run.yaml"))
    record = joined([part.ledger for part in parts.values()])
    scorers = load_scorers(spec.metrics, "cpu", with_reference=spec.protocol == "reconstruction")
    if scorers.signatures != record.signatures:
        differ = ", ".join(sorted(set(scorers.signatures) ^ set(record.signatures)))
        raise BenchError(f"metrics here are not those that the parts were scored with ({differ}); use the same bench")
    store = open_store()
    folder = out or first.with_name(first.name.removesuffix(f".{Shard(parts[first].number, parts[first].of).name}"))
    check_out_folder(folder, KIND, {f"part {part.number}/{part.of}": path for path, part in parts.items()})
    if not force:
        check_same_run(folder, spec, record.spec_hash)
    with open_run_folder(folder, spec, store, record.spec_hash):
        for path, part in parts.items():
            small = Store(path / STORE)
            for entry in _entries(part.ledger):
                store.adopt(small.file(entry))
        link = linker(store, folder)
        for row in record.rows:
            for clip, pair in row.pairs.items():
                link(row.name, clip, pair)
        return finalize(spec, record, scorers, store, folder, report=report, force=force)


def _parts_beside(folder: Path, plan: Plan) -> dict[int, Path]:
    """The finished parts of the run in the folder that holds `folder`, by number."""
    count = plan.shard.of if plan.shard else 0
    numbers = {plan.content_of(Shard(number, count)): number for number in range(1, count + 1)}
    found = {}
    for beside in folder.resolve().parent.iterdir():
        mark = read_mark(beside)
        if mark and mark.content in numbers and (beside / SHARD_FILE).is_file():
            found[numbers[mark.content]] = folder.parent / beside.name
    return dict(sorted(found.items()))


def _entries(record: RunRecord) -> list[str]:
    """The store entries that a record needs, each once."""
    return sorted({"/".join(ref.split("/")[:DEPTH]) for ref in record.files()})


def _write(part: Part, path: Path) -> None:
    from pydantic import TypeAdapter

    write_text_atomically(path, TypeAdapter(Part).dump_json(part).decode() + "\n")


def read_part(folder: Path) -> Part:
    """The part in `folder`. Raises `BenchError`."""
    path = folder / SHARD_FILE
    if not path.is_file():
        raise BenchError(f"{folder} holds no finished part of a run: it has no {SHARD_FILE}; run its `--shard` again")
    part = validate(Part, path.read_bytes(), f"{path} cannot be read", "run its `--shard` again")
    if part.version != VERSION:
        raise BenchError(f"{path} has version {part.version}, this bench reads {VERSION}; use the same bench for all")
    foreign = [clip.id for clip in part.ledger.clips if safe_id(clip.id) != clip.id]
    if foreign:
        raise BenchError(f"{path} has a clip {foreign[0]!r}, which is no clip's id; run its `--shard` again")
    return part


def fitting(parts: dict[Path, Part]) -> dict[Path, Part]:
    """The parts in order. Raises `BenchError` unless they are all the parts of one run, each once."""
    ordered = dict(sorted(parts.items(), key=lambda item: item[1].number))
    first, start = next(iter(ordered.items()))
    for folder, part in ordered.items():
        if (part.of, part.ledger.spec_hash) != (start.of, start.ledger.spec_hash):
            why = _differ(first, folder)
            raise BenchError(f"{folder} is part {part.number}/{part.of} of another run than {first}: {why}")
        if part.ledger.cards != start.ledger.cards:
            raise BenchError(f"{folder} was made with other models or weights than {first}; make them with the same")
        if part.ledger.signatures != start.ledger.signatures:
            raise BenchError(f"{folder} was scored with other metrics than {first}; make them with the same bench")
    numbers = [part.number for part in ordered.values()]
    if missing := sorted(set(range(1, start.of + 1)) - set(numbers)):
        named = ", ".join(f"{number}/{start.of}" for number in missing[:8])
        first_one = f"{missing[0]}/{start.of}"
        raise BenchError(
            f"{len(missing)} of {start.of} parts are missing ({named}); run the same with --shard {first_one}"
        )
    if len(numbers) != start.of:
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise BenchError(f"part {twice}/{start.of} is given more than once; name the folder of each part once")
    return ordered


def _differ(first: Path, second: Path) -> str:
    """Explain why two shards do not match: differing spec fields, otherwise different clips."""
    specs = [load_spec(folder / "run.yaml") for folder in (first, second)]
    differ = different_settings(*specs)
    return f"they differ in {', '.join(differ)}" if differ else "the clips, or the number of parts, are not the same"


def joined(records: Sequence[RunRecord]) -> RunRecord:
    """One record; the parts' clips follow each other."""
    first = records[0]
    rows = []
    for index, row in enumerate(first.rows):
        pairs = {clip: pair for record in records for clip, pair in record.rows[index].pairs.items()}
        rows.append(RowRecord(row.name, row.mode, row.unavailable, row.refused, pairs))
    timings: Counter[str] = Counter()
    for record in records:
        timings.update(record.timings)
    notices = list(first.notices)
    machines = {(r.provenance.device, r.provenance.platform, str(r.provenance.packages)) for r in records}
    if len(machines) > 1:
        devices = ", ".join(sorted({device for device, _, _ in machines}))
        notices.append(f"parts are from machines with other devices or packages ({devices}): rounding may differ")
    return RunRecord(
        spec_hash=first.spec_hash,
        clips=[clip for record in records for clip in record.clips],
        rows=rows,
        cards=first.cards,
        notices=notices,
        caveats=first.caveats,
        signatures=first.signatures,
        provenance=first.provenance,
        timings=dict(timings),
    )
