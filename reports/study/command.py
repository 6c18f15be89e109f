"""`bench study score` in one call: key and files in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.reports.study.answers import read_key, read_raters
from bench_lipsync.reports.study.score import score_study
from bench_lipsync.reports.study.tables import render_study


def score_files(answers: Sequence[Path], key: Path, form: str = "text", keep_failed: bool = False) -> str:
    """Scores of the raters' files `answers` by the maker's `key`. Raises `BenchError`."""
    known = read_key(key)
    return render_study(score_study(known, read_raters(answers, known), keep_failed), form)
