"""docs/baselines.md says what the descriptions say, word for word."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.baselines.external.catalogue import PACKAGED
from bench_lipsync.baselines.external.overview import details, table

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "baselines.md").read_text(encoding="utf-8")


def test_the_page_holds_the_table_and_the_details() -> None:
    assert table() in PAGE, "put in what `python -m bench_lipsync.baselines.external.overview` prints"
    assert details() in PAGE, "put in what `python -m bench_lipsync.baselines.external.overview` prints"


def test_every_description_has_a_row() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(list(PACKAGED.glob("*.yaml"))) == 16
    assert {row.count("|") for row in rows} == {table().splitlines()[0].count("|")}, "no cell holds a bar of its own"


def test_the_page_says_that_none_was_run_for_real() -> None:
    assert all(row.endswith("| no |") for row in table().splitlines()[2:])
    assert "None of the sixteen has been run against its real repository here" in PAGE
