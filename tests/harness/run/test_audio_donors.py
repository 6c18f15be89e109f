from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.run.audio_donors import assign_donors, fit_audio


def _clips(*pairs: tuple[str, str]) -> list[PreparedClip]:
    return [PreparedClip(id=name, identity=identity, directory=Path(), meta={}) for name, identity in pairs]


def test_the_donor_is_the_next_stranger() -> None:
    donors = assign_donors(_clips(("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")))
    assert {clip: donor and donor.id for clip, donor in donors.items()} == {
        "a1": "b1",
        "a2": "b1",
        "b1": "c1",
        "c1": "a1",
    }


def test_order_of_the_list_does_not_matter() -> None:
    clips = _clips(("a1", "a"), ("b1", "b"), ("c1", "c"))
    assert assign_donors(clips) == assign_donors(clips[::-1])


def test_one_person_gives_another_clip_and_one_clip_gives_nothing() -> None:
    donors = assign_donors(_clips(("a1", "a"), ("a2", "a")))
    assert donors["a1"] is not None and donors["a1"].id == "a2"
    assert assign_donors(_clips(("a1", "a"))) == {"a1": None}


@pytest.mark.parametrize("samples", [3, 5, 12])
def test_audio_is_cut_or_repeated(samples: int) -> None:
    audio = np.arange(5, dtype=np.int16)
    fitted = fit_audio(audio, samples)
    assert fitted.dtype == np.int16
    assert fitted.tolist() == [index % 5 for index in range(samples)]
    with pytest.raises(ValueError, match="no samples"):
        fit_audio(audio[:0], 3)
