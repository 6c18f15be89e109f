"""Unusual files with nothing wrong in them are never called damaged or cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_case import LEGAL, Case, Lures
from broken_legal import legal_cases

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces import SceneCuts
from bench_lipsync.harness.media import Damage, decode_audio, decode_video

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("case", legal_cases(), ids=lambda case: case.name)
def test_a_legal_file_is_not_damaged(tmp_path: Path, case: Case) -> None:
    case.make(tmp_path, Lures(tmp_path, ""))
    (path,) = tmp_path.iterdir()
    damage, cuts = Damage(), SceneCuts()
    try:
        for chunk in decode_video(path, damage=damage):
            for picture in chunk:
                cuts.push(picture)
        decode_audio(path, damage=damage)
    except ClipError as error:
        assert error.status is Status.NO_AUDIO or case.accept != LEGAL
    assert damage.notes() == []
    assert cuts.cuts == [] or case.accept != LEGAL
