"""The folder of prepared clips: one rule in each, and none of the files that others distribute."""

from __future__ import annotations

import csv
from pathlib import Path

from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.datasets.voxceleb2.track import CropRule
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.text_files import read_text


def check_output(folder: Path, report: Path, rule: CropRule) -> None:
    """Refuse a folder with clips that were cut by another rule, or not by `bench`.

    Args:
        folder: Where the clips go.
        report: The report of an earlier preparation into it, which may be missing.
        rule: The rule of this one.

    Raises:
        BenchError: The folder holds other clips.
    """
    if not report.exists():
        if any(folder.glob("id[0-9]*")):
            raise BenchError(f"--out {shown(folder)} holds other utterances of VoxCeleb2; name a new folder")
        return
    lines = read_text(report, "the report", max_bytes=1 << 30).splitlines()[:2]
    for row in csv.DictReader(lines):
        if (before := {name: row.get(name) for name in rule.columns}) != rule.columns:
            stated = ", ".join(f"{name} {value}" for name, value in before.items())
            raise BenchError(f"--out {shown(folder)} was cut with {stated}; name a new folder for another rule")
