"""Lets the tests of this folder use the media tests' file writers."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "media"))
