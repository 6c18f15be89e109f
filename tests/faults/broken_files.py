"""Every broken input of the campaign, by name.

A full list and a fixed sample (`core`). Everything is made on the spot, from fixed seeds; clips of `shared` join the
fuzzing where they are at hand.
"""

from __future__ import annotations

from pathlib import Path

from broken_bytes import fuzz_cases, other_cases, truncated_cases
from broken_case import Case
from broken_cuts import cut_cases
from broken_legal import legal_cases
from broken_lures import lure_cases
from broken_names import name_cases
from broken_shapes import shape_cases
from broken_tables import table_cases
from broken_trees import tree_cases

FUZZ_SEEDS = 2
"""Of each way of damaging each container."""
_SHARED = ("hdtf/WRA_KristiNoem_000.mp4", "edge/short_lrs2_demo.mp4", "edge/silent_audio_liveportrait_d18.mp4")


def all_cases(shared: Path | None) -> dict[str, Case]:
    """Case by name."""
    clips = [shared / "media" / name for name in _SHARED] if shared else []
    cases = [
        *legal_cases(),
        *other_cases(),
        *truncated_cases(),
        *shape_cases(),
        *lure_cases(),
        *name_cases(),
        *table_cases(),
        *tree_cases(),
        *cut_cases(),
        *fuzz_cases([clip for clip in clips if clip.is_file()], FUZZ_SEEDS),
    ]
    named = {case.name: case for case in cases}
    assert len(named) == len(cases), "two cases of one name"
    return named
