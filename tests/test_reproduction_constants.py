"""The constants of docs/reproduction.md are those of the code, and differences from the paper are explained."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bench_lipsync.harness.tasks import find_task
from bench_lipsync.models.stylelipsync.network.mals import moving_average

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/reproduction.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.partition("## Constants")[2].splitlines()
    if line.startswith("| ") and "`" in line
]
FACTS = ROOT.parent / "shared/facts/paper.md"


def in_code(where: str) -> Any:
    """What a cell `module:name.field[key]` or `task:NAME:field` names."""
    source, _, rest = where.strip("`").rpartition(":")
    value: Any = (
        find_task(source[5:]) if source.startswith("task:") else importlib.import_module(f"bench_lipsync.{source}")
    )
    for part in re.findall(r"\w+\(\)|\w+|\[\w+\]", rest):
        if part.endswith("()"):
            value = getattr(value, part[:-2])()
        else:
            value = value[part[1:-1]] if part.startswith("[") else getattr(value, part)
    return value


def written(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_constant_is_what_the_code_has(row: list[str]) -> None:
    _, paper, here, where, same = row
    assert in_code(where) == written(here)
    assert (same == "yes") == (written(paper) == written(here))
    assert same == "yes" or same.startswith("no: ")


def test_the_table_is_there() -> None:
    assert len(ROWS) >= 24


def test_mals_averages_as_the_paper_says() -> None:
    assert moving_average(torch.tensor([0.0, 0, 1, 0, 0])[None, None]).tolist() == [[[0, 0.25, 0.5, 0.25, 0]]]


@pytest.mark.shared
@pytest.mark.skipif(not FACTS.is_file(), reason=f"{FACTS} is not beside the checkout")
@pytest.mark.parametrize(
    "name", ["stylelipsync/voxceleb2-reconstruction", "stylelipsync/hdtf-cross", "stylelipsync/ablation"]
)
def test_published_values_are_the_papers(name: str) -> None:
    text = FACTS.read_text(encoding="utf-8")
    for values in find_task(name).published.rows.values():
        assert any(
            all(f"{value:.3f}" in line for value in values.values()) for line in text.splitlines() if "|" in line
        ), values
