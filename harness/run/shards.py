"""Parts of a run as they lie on disk: reading them, and whether they make a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.run.record import Ledger, RowLine
from bench_lipsync.harness.util.sanitize import safe_id

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SHARD_FILE = "shard.json"
VERSION = 1


@dataclass
class Part:
    """What `shard.json` holds."""

    version: int
    number: int
    of: int
    ledger: Ledger


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
        raise BenchError(f"{path} has a clip {foreign[0]!r}, which is no clip's id; was the file changed?")
    return part


def adapter() -> TypeAdapter[Part]:
    """Reads and writes a part as JSON."""
    from pydantic import TypeAdapter

    return TypeAdapter(Part)


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
        some = ", ".join(f"{number}/{start.of}" for number in missing[:8])
        one = f"{missing[0]}/{start.of}"
        raise BenchError(f"{len(missing)} of {start.of} parts are missing ({some}); run the same with --shard {one}")
    if len(numbers) != start.of:
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise BenchError(f"part {twice}/{start.of} is given more than once")
    return ordered


def _differ(one: Path, two: Path) -> str:
    """Which settings the two were made with differ, or that it must be the clips."""
    specs = [yaml.safe_load((folder / "run.yaml").read_text(encoding="utf-8")) for folder in (one, two)]
    differ = [key for key in specs[0] if specs[0][key] != specs[1].get(key) and key != "data_root"]
    return f"they differ in {', '.join(differ)}" if differ else "the clips, or the number of parts, are not the same"


def joined(ledgers: Sequence[Ledger]) -> Ledger:
    """One ledger; the parts' clips follow each other."""
    first = ledgers[0]
    rows = []
    for index, row in enumerate(first.rows):
        pairs = {clip: pair for ledger in ledgers for clip, pair in ledger.rows[index].pairs.items()}
        rows.append(RowLine(row.name, row.mode, row.unavailable, row.refused, pairs))
    timings: dict[str, float] = {}
    for ledger in ledgers:
        for stage, seconds in ledger.timings.items():
            timings[stage] = timings.get(stage, 0.0) + seconds
    notices = list(first.notices)
    machines = {(one.provenance.device, one.provenance.platform, str(one.provenance.packages)) for one in ledgers}
    if len(machines) > 1:
        devices = ", ".join(sorted({device for device, _, _ in machines}))
        notices.append(f"parts are from machines with other devices or packages ({devices}): rounding may differ")
    return Ledger(
        spec_hash=first.spec_hash,
        clips=[clip for ledger in ledgers for clip in ledger.clips],
        rows=rows,
        cards=first.cards,
        notices=notices,
        caveats=first.caveats,
        signatures=first.signatures,
        provenance=first.provenance,
        timings=timings,
    )
