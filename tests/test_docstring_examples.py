"""The examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("harness", "models", "metrics", "baselines", "reports")


def modules_with_examples() -> list[str]:
    files = [path.relative_to(REPOSITORY) for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")]
    files += [path.relative_to(REPOSITORY / "src/bench_lipsync") for path in (REPOSITORY / "src").rglob("*.py")]
    roots = dict.fromkeys(FOLDERS, REPOSITORY)
    names = []
    for file in files:
        path = roots.get(file.parts[0], REPOSITORY / "src/bench_lipsync") / file
        if ">>> " in path.read_text(encoding="utf-8"):
            names.append(".".join(("bench_lipsync", *file.with_suffix("").parts)).removesuffix(".__init__"))
    return sorted(names)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0
