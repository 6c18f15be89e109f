"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("BENCH_WORKERS", "1")
"""Runs of commands stay in the test's process, where it can replace parts of them, unless a test asks for more."""

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden vectors and real clips that may lie beside the checkout; it is not part of the project."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"NOT CHECKED: {folder.name}/ with golden vectors and real clips is not beside the checkout")
    return folder
