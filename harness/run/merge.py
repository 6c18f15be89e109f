"""Parts of a run, each finished by itself, and the whole that is put together from them.

The folder of a part holds `shard.json` (`harness.run.record`) and a small store with everything that it refers to, so
that parts may be made on machines that share nothing; on one disk the small store takes no room.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.run.finalize import RunOutcome, finish
from bench_lipsync.harness.run.folder import linker, open_run_folder
from bench_lipsync.harness.run.pipeline import RunOptions, do_tasks, make_plan, show_profile
from bench_lipsync.harness.run.record import Ledger
from bench_lipsync.harness.run.shard_spec import Shard
from bench_lipsync.harness.run.shards import SHARD_FILE, VERSION, Part, adapter, fitting, joined, read_part
from bench_lipsync.harness.run.spec import RunSpec, load_spec, make_spec
from bench_lipsync.harness.scoring.scorers import load_scorers
from bench_lipsync.harness.store.entry import DEPTH
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import write_text_atomically

STORE = "store"


def execute_shard(spec: RunSpec, options: RunOptions, shard: Shard) -> Path:
    """Do one part of a run; returns its folder. Raises `BenchError` for mistakes of use."""
    plan = make_plan(spec, options, shard)
    profile = Profile()
    with open_run_folder(plan.folder, plan.spec, plan.store), profile.driving():
        ledger = do_tasks(plan, profile)
        small = Store(plan.folder / STORE)
        for entry in _entries(ledger):
            small.adopt(plan.store.file(entry))
        text = adapter().dump_json(Part(VERSION, shard.number, shard.of, ledger)).decode()
        write_text_atomically(plan.folder / SHARD_FILE, text + "\n")
    if options.profile:
        show_profile(profile, plan.folder)
    return plan.folder


def merge(folders: Sequence[Path], out: Path | None, *, report: bool = True) -> RunOutcome:
    """The whole run from all of its parts. Raises `BenchError` for parts that are missing or do not fit."""
    parts = fitting({folder: read_part(folder) for folder in folders})
    first = next(iter(parts))
    spec = make_spec(load_spec(first / "run.yaml"))
    ledger = joined([part.ledger for part in parts.values()])
    scorers = load_scorers(spec.metrics, "cpu", with_reference=spec.protocol == "reconstruction")
    here = sorted(info.signature for one in scorers.loaded for info in one.wanted)
    if here != ledger.signatures:
        differ = ", ".join(sorted(set(here) ^ set(ledger.signatures)))
        raise BenchError(f"metrics here are not those that the parts were scored with ({differ}); use the same bench")
    store = open_store()
    folder = out or first.with_name(first.name.removesuffix(f".{Shard(parts[first].number, parts[first].of).name}"))
    if folder in parts:
        raise BenchError(f"{folder} is one of the parts; name another folder for the whole: --out DIR")
    with open_run_folder(folder, spec, store):
        for path, part in parts.items():
            small = Store(path / STORE)
            for entry in _entries(part.ledger):
                store.adopt(small.file(entry))
        link = linker(store, folder)
        for row in ledger.rows:
            for clip, pair in row.pairs.items():
                link(row.name, clip, pair)
        return finish(spec, ledger, scorers, store, folder, report=report)


def _entries(ledger: Ledger) -> list[str]:
    """The store entries that a ledger needs, each once."""
    return sorted({"/".join(ref.split("/")[:DEPTH]) for ref in ledger.files()})
