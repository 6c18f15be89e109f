"""The doctor's look at Python, PyTorch, the machine, the cache and the installed libraries."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from bench_lipsync.harness.compute.resources import usable_cores, usable_memory
from bench_lipsync.harness.doctor.examine import Finding
from bench_lipsync.harness.util.paths import cache_dir

PACKAGE = "bench-lipsync"
_LOW_MEMORY = 4e9
_LOW_DISK = 5e9
_ENOUGH_DISK = 1e9
"""Bytes: below, the default run's clips and weights do not fit."""
_GB = 1e9


def machine() -> list[Finding]:
    """Python, PyTorch with its device, cores, memory, the cache and its disk."""
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    old = sys.version_info < (3, 11)
    fix = "install Python 3.11 or newer" if old else ""
    findings = [Finding("machine", "Python", "broken" if old else "ok", python, fix, needed=True)]
    return [*findings, _torch(), _cores(), _memory(), *_cache()]


def libraries() -> list[Finding]:
    """Every requirement of the package: a line for each that is not met, and one for those that are."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in metadata.requires(PACKAGE) or []]
    needed = [item for item in wanted if item.marker is None or item.marker.evaluate({"extra": ""})]
    wrong, fine = [], 0
    for item in needed:
        have = _version(item.name)
        if have is not None and item.specifier.contains(have, prereleases=True):
            fine += 1
            continue
        state = f"{have} is installed, {item.specifier} is needed" if have else "not installed"
        fix = f'pip install "{item.name}{item.specifier}"'
        wrong.append(Finding("libraries", item.name, "broken", state, fix, needed=True))
    extras: dict[str, list[str]] = {}
    for item in wanted:
        if item not in needed and _version(item.name) is None and item.name != PACKAGE:
            extra = str(item.marker).rpartition("==")[2].strip(" \"')")
            extras.setdefault(extra, []).append(item.name)
    told = [Finding("libraries", "required", "ok", f"{fine} of {len(needed)} as needed", needed=True)] if fine else []
    for extra, names in extras.items():
        if extra not in {"test", "dev"}:
            detail = f"{', '.join(names)} not installed (optional)"
            told.append(Finding("libraries", extra, "note", detail, f"pip install '{PACKAGE}[{extra}]'"))
    return [*wrong, *told]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> Finding:
    try:
        import torch

        _load_operators()
    except Exception as error:  # Whatever a broken installation throws.
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        fix = "pip install --force-reinstall torch torchvision, both from the same index"
        return Finding("machine", "PyTorch", "broken", reason, fix, needed=True)
    version = f"{torch.__version__}, torchvision {_version('torchvision')}"
    if not torch.cuda.is_available():
        detail = f"{version}, on the CPU ({torch.get_num_threads()} threads)"
        return Finding("machine", "PyTorch", "ok", detail, needed=True)
    memory = torch.cuda.get_device_properties(0).total_memory / _GB
    detail = f"{version}, on {torch.cuda.get_device_name(0)} ({memory:.0f} GB): --device cuda"
    return Finding("machine", "PyTorch", "ok", detail, needed=True)


def _load_operators() -> None:
    """Load torchvision's compiled part, which fits one build of torch only; importing all of it takes seconds."""
    import torch

    found = util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise ImportError("torchvision is not installed")
    for library in Path(found.origin).parent.glob("_C*"):
        if library.suffix in {".so", ".pyd", ".dylib"}:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]


def _cores() -> Finding:
    return Finding("machine", "cores", "ok", f"{usable_cores()} usable of {os.cpu_count()}")


def _memory() -> Finding:
    total, free = usable_memory()
    detail = f"{free / _GB:.1f} of {total / _GB:.1f} GB free"
    if free < _LOW_MEMORY:
        return Finding("machine", "memory", "note", detail, "a smaller --batch-size needs less")
    return Finding("machine", "memory", "ok", detail)


def _cache() -> list[Finding]:
    folder = cache_dir()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    fix = "set BENCH_CACHE to a folder that you may write to"
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return [Finding("machine", "cache", "broken", f"{folder}: {error.strerror}", fix, needed=True)]
    free = shutil.disk_usage(existing).free
    disk = f"{free / _GB:.1f} GB free"
    room = "make room, or set BENCH_CACHE to a folder on another disk"
    state = "broken" if free < _ENOUGH_DISK else "note" if free < _LOW_DISK else "ok"
    told = folder if folder.exists() else f"{folder} (made when first needed)"
    return [
        Finding("machine", "cache", "ok", str(told), needed=True),
        Finding("machine", "disk", state, disk, "" if state == "ok" else room, needed=True),  # type: ignore[arg-type]
    ]
