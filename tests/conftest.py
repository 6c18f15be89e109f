"""Fixtures that several folders of tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden vectors and real clips that may lie beside the checkout; it is not part of the project."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"NOT CHECKED: {folder.name}/ with golden vectors and real clips is not beside the checkout")
    return folder
