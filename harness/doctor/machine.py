"""Checks of Python, PyTorch, the machine, the cache and the installed libraries."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from bench_lipsync.harness.compute.resources import usable_cores, usable_memory
from bench_lipsync.harness.doctor.findings import Finding, State, failed_check
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.paths import cache_dir

PACKAGE = "bench-lipsync"
_LOW_MEMORY = 4e9
_LOW_DISK = 5e9
_ENOUGH_DISK = 1e9
"""Bytes: below, the default run's clips and weights do not fit."""
_GB = 1e9


def machine() -> list[Finding]:
    """Check Python, PyTorch and its device, cores, memory, the cache and its disk."""
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    old = sys.version_info < (3, 11)
    fix = "install Python 3.11 or newer" if old else ""
    findings = [Finding("machine", "Python", "broken" if old else "ok", python, fix, needed=True)]
    return [*findings, _torch(), _cores(), _memory(), *_cache()]


def libraries() -> list[Finding]:
    """Check every requirement of the package: one finding for each unmet one, and one for all others."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires(PACKAGE) or []]
    required = [item for item in requirements if item.marker is None or item.marker.evaluate({"extra": ""})]
    findings = []
    for item in required:
        installed = _version(item.name)
        if installed is None or not item.specifier.contains(installed, prereleases=True):
            detail = f"{installed} is installed, {item.specifier} is needed" if installed else "not installed"
            fix = f'pip install "{item.name}{item.specifier}"'
            findings.append(Finding("libraries", item.name, "broken", detail, fix, needed=True))
    if met := len(required) - len(findings):
        findings.append(Finding("libraries", "required", "ok", f"{met} of {len(required)} as needed", needed=True))
    extras: dict[str, list[str]] = {}
    for item in requirements:
        if item not in required and _version(item.name) is None and item.name != PACKAGE:
            extra = str(item.marker).rpartition("==")[2].strip(" \"')")
            extras.setdefault(extra, []).append(item.name)
    for extra, names in extras.items():
        if extra not in {"test", "dev"}:
            detail = f"{', '.join(names)} not installed (optional)"
            findings.append(Finding("libraries", extra, "note", detail, f"pip install '{PACKAGE}[{extra}]'"))
    return findings


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> Finding:
    try:
        import torch

        _load_operators()
    except Exception as error:  # A broken installation can raise anything.
        fix = "pip install --force-reinstall torch torchvision, both from the same index"
        return failed_check("machine", "PyTorch", error, fix, needed=True)
    version = f"{torch.__version__}, torchvision {_version('torchvision')}"
    if not torch.cuda.is_available():
        detail = f"{version}, on the CPU ({torch.get_num_threads()} threads)"
        return Finding("machine", "PyTorch", "ok", detail, needed=True)
    memory = torch.cuda.get_device_properties(0).total_memory / _GB
    detail = f"{version}, on {torch.cuda.get_device_name(0)} ({memory:.0f} GB): --device cuda"
    return Finding("machine", "PyTorch", "ok", detail, needed=True)


def _load_operators() -> None:
    """Load torchvision's compiled operators, which fit one build of torch only; a full import takes seconds."""
    import torch

    spec = util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ImportError("torchvision is not installed")
    for library in Path(spec.origin).parent.glob("_C*"):
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
    fix = "set BENCH_CACHE to a folder that you may write to"
    try:
        folder = cache_dir()
    except BenchError as error:
        return [Finding("machine", "cache", "broken", str(error).partition(";")[0], fix, needed=True)]
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return [Finding("machine", "cache", "broken", f"{folder}: {error.strerror}", fix, needed=True)]
    free = shutil.disk_usage(existing).free
    disk = f"{free / _GB:.1f} GB free"
    state: State = "broken" if free < _ENOUGH_DISK else "note" if free < _LOW_DISK else "ok"
    remedy = "" if state == "ok" else "free some space, or set BENCH_CACHE to a folder on another disk"
    location = folder if folder.exists() else f"{folder} (made when first needed)"
    return [
        Finding("machine", "cache", "ok", str(location), needed=True),
        Finding("machine", "disk", state, disk, remedy, needed=True),
    ]
