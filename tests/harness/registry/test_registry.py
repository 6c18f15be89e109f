from __future__ import annotations

import subprocess
import sys

import pytest

from bench_lipsync.harness.registry.plugins import BOUNDS, MODELS, SCORERS
from bench_lipsync.harness.registry.registry import Registry, UnknownNameError


def test_a_name_is_imported_when_asked_for() -> None:
    registry: Registry[object] = Registry("thing", {"path": "pathlib:Path", "missing": "no.such.module:x"})
    from pathlib import Path

    assert registry.get("path") is Path
    with pytest.raises(ModuleNotFoundError):
        registry.get("missing")


def test_an_unknown_name_suggests_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="no model is called 'stylelipsnc'; did you mean stylelipsync"):
        MODELS.get("stylelipsnc")
    with pytest.raises(UnknownNameError, match=r"known: .*static"):
        MODELS.get("zzz")


def test_built_in_names_resolve() -> None:
    for name in [*BOUNDS, "stylelipsync"]:
        assert callable(MODELS.get(name))
    for name in SCORERS.names():
        assert callable(SCORERS.get(name))


def test_help_imports_nothing_heavy() -> None:
    """`bench --help` must answer at once, so no command module may pull these in."""
    code = (
        "import sys; sys.argv=['bench','--help']\n"
        "from bench_lipsync.harness.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy={'torch','mediapipe','cv2','pandas','scipy','skimage','av','numpy','pydantic'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "HEAVY []" in done.stdout
    assert "Example: bench run --model stylelipsync" in done.stdout
