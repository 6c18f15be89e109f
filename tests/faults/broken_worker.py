"""Puts broken inputs through the real code, one after the other, in a process that may die of them.

`python broken_worker.py ORDER.json`: for every case named there one line of JSON when it begins and one when it ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from broken_case import Case, Lures
from broken_cuts import NAME
from broken_files import all_cases
from broken_tables import MEMBER, MEMBER_SIZE

Ends = list[dict[str, Any]]
SIZE = 128
"""Side of the prepared crop."""


class _Log(logging.Handler):
    """Keeps what the harness logs; a traceback in it is one that a user would see."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class _Watch:
    """Python's own account of what was opened, connected to and started."""

    def __init__(self, allowed: list[str], canary: str) -> None:
        self.broken_rules: list[str] = []
        self._allowed = (*allowed, "/dev/null", "/dev/shm", "/proc/self/")  # noqa: S108
        self._canary = canary
        self.on = False
        sys.addaudithook(self._see)

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(args[0], (str, bytes)):
            path, mode, flags = os.path.abspath(os.fsdecode(args[0])), args[1], args[2]  # noqa: PTH100
            writes = bool(flags and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or (
                mode and set(mode) & set("wax+")
            )
            if self._canary in path or (writes and not path.startswith(self._allowed)):
                self.broken_rules.append(f"{event} {path} {mode}")
        elif event in {"socket.connect", "subprocess.Popen", "os.system", "os.exec", "socket.getaddrinfo"}:
            self.broken_rules.append(f"{event} {args!r}"[:300])


def _reason(error: Any) -> dict[str, Any]:
    return {"status": str(error.status), "reason": error.reason}


def _prepare(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.harness.api.dataset import ClipRequest
    from bench_lipsync.harness.errors import ClipError
    from bench_lipsync.harness.stages.stages import prepare
    from bench_lipsync.harness.store.store import Store

    found = _dataset(case.kind).clips(ClipRequest(root))
    store, ends = Store(work / "store"), []
    for clip in found.clips:
        try:
            made = prepare(clip, SIZE, store)
            end = {"status": "ok", "reason": "", "frames": made.frames}
            if case.like_reference:
                end["difference"] = _difference(made, work)
            ends.append(end)
        except ClipError as error:
            ends.append(_reason(error))
        (work / "log.json").write_text(json.dumps([clip.id, clip.identity, ends[-1]]), encoding="utf-8")
    return ends


def _dataset(kind: str) -> Any:
    from bench_lipsync.harness.datasets.folder import FolderDataset
    from bench_lipsync.harness.datasets.hdtf.dataset import HdtfDataset
    from bench_lipsync.harness.datasets.voxceleb2.dataset import VoxCeleb2Dataset

    return {"voxceleb2_tree": VoxCeleb2Dataset, "hdtf_tree": HdtfDataset}.get(kind, FolderDataset)()


def _reference(work: Path) -> Any:
    """The plain clip, prepared once per worker."""
    from broken_legal import legal_cases

    from bench_lipsync.harness.api.clip import Clip
    from bench_lipsync.harness.stages.stages import prepare
    from bench_lipsync.harness.store.store import Store

    folder = work.parent / "reference"
    plain = next(case for case in legal_cases() if case.name == "legal/plain")
    if not folder.exists():
        folder.mkdir()
        plain.make(folder, Lures(Path(), ""))
    return prepare(Clip("reference", "x", folder / "a.mp4"), SIZE, Store(work.parent / "reference_store"))


def _difference(made: Any, work: Path) -> float:
    """Mean absolute difference of some frames from the reference's, in 8-bit steps."""
    ours, theirs = (np.concatenate(list(clip.read_frames())) for clip in (made, _reference(work)))
    count = min(len(ours), len(theirs))
    some = np.linspace(1, count - 2, 6).astype(int)
    return float(np.abs(ours[some].astype(np.float32) - theirs[some]).mean())


def _spec(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.harness.run.spec import load_spec, make_spec

    spec = make_spec(load_spec(root / "run.yaml"))
    return [{"status": "loaded", "reason": f"{len(spec.to_yaml())} bytes"}]


def _hdtf(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.harness.datasets.hdtf.metadata import read_metadata

    return [{"status": "loaded", "reason": f"{len(read_metadata(root).intervals)} intervals"}]


def _hdtf_cut(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.harness.datasets.cutting import Preparation, plan, prepare, report_of, write_report
    from bench_lipsync.harness.datasets.hdtf import select

    out = work / "out"
    job = Preparation(root / "videos", out)
    made = list(prepare(plan(select(root / "metadata", "all"), job), job))
    write_report(made, report_of("hdtf", work))
    ends = [{"status": str(outcome.status), "reason": outcome.reason} for outcome in made]
    there, expected = sorted(path.name for path in out.iterdir()), [NAME] * (made[0].status in ("ok", "truncated"))
    return ends if there == expected else [{"status": "LEFT_OVER", "reason": f"{there}, not {expected}"}]


def _precomputed(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.baselines.precomputed import Precomputed
    from bench_lipsync.harness.api.model import GenerateContext, VariantError
    from bench_lipsync.harness.errors import BenchError, ClipError
    from bench_lipsync.harness.stages.stages import generate
    from bench_lipsync.harness.store.store import Store

    clip = _reference(work)
    try:
        model = Precomputed(str(root))
    except VariantError as error:
        raise BenchError(str(error)) from error
    try:
        generate(model, replace(clip, id="reference"), clip.audio(), GenerateContext(seed=0), Store(work / "store"))
    except ClipError as error:
        return [_reason(error)]
    return [{"status": "ok", "reason": "", "frames": clip.frames}]


def _archive(case: Case, root: Path, work: Path) -> Ends:
    from bench_lipsync.harness.assets.archive import MemberError, extract_member

    target = work / "out" / "member"
    target.parent.mkdir()
    try:
        extract_member(next(root.iterdir()), MEMBER, target, MEMBER_SIZE)
    except MemberError as error:
        return [{"status": "refused", "reason": str(error)}]
    written = sorted(path.name for path in target.parent.iterdir())
    size = target.stat().st_size
    fits = written == ["member"] and size == MEMBER_SIZE
    # One byte too many or too few is what the check of the digest behind it refuses.
    status = "extracted" if fits else "refused" if size <= MEMBER_SIZE + 1 else "overrun"
    return [{"status": status, "reason": f"{written} of {size} bytes"}]


_KINDS: dict[str, Callable[[Case, Path, Path], Ends]] = {
    "prepare": _prepare,
    "voxceleb2_tree": _prepare,
    "hdtf_tree": _prepare,
    "hdtf_cut": _hdtf_cut,
    "spec": _spec,
    "hdtf": _hdtf,
    "precomputed": _precomputed,
    "archive": _archive,
}


def _peak_reset() -> None:
    """Start measuring this process's peak of memory anew (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def run_case(case: Case, folder: Path, lures: Lures, log: _Log, watch: _Watch) -> dict[str, Any]:
    """How `case` ended."""
    from bench_lipsync.harness.errors import BenchError

    shutil.rmtree(folder, ignore_errors=True)
    root, work = folder / "data", folder / "work"
    root.mkdir(parents=True)
    work.mkdir()
    case.make(root, lures)
    log.lines.clear()
    watch.broken_rules.clear()
    _peak_reset()
    before, began = _memory("VmRSS"), time.process_time()
    watch.on = True
    try:
        ends = _KINDS[case.kind](case, root, work)
    except BenchError as error:
        ends = [{"status": "bench_error", "reason": str(error)}]
    except Exception:
        ends = [{"status": "TRACEBACK", "reason": traceback.format_exc()[-1500:]}]
    watch.on = False
    told = {
        "ends": ends,
        "seconds": round(time.process_time() - began, 3),
        "megabytes": round((_memory("VmHWM") - before) / 1e6, 1),
        "log": [line for line in log.lines if "Traceback" in line],
        "broken_rules": list(watch.broken_rules),
        "owned": [str(path) for path in (folder.rglob("owned")) if path.exists()],
    }
    shutil.rmtree(folder, ignore_errors=True)
    return told


def main() -> None:
    """Work through the order."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    cases = all_cases(Path(order["shared"]) if order["shared"] else None)
    scratch = Path(order["scratch"])
    os.chdir(scratch)
    lures = Lures(Path(order["canary"]), order["address"])
    log = _Log()
    logging.getLogger("bench_lipsync").addHandler(log)
    _warm(scratch)
    watch = _Watch([str(scratch), os.environ.get("BENCH_CACHE", str(scratch))], lures.word)
    for name in order["names"]:
        print(json.dumps({"begin": name}), flush=True)
        told = run_case(cases[name], scratch / "case", lures, log, watch)
        print(json.dumps({"end": name, **told}), flush=True)


def _warm(scratch: Path) -> None:
    """Load what every clip needs, so that no case is charged for it."""
    (scratch / "warm").mkdir(exist_ok=True)
    from bench_lipsync.harness.faces.landmarker import Landmarker

    with Landmarker():
        _reference(scratch / "warm")


if __name__ == "__main__":
    main()
