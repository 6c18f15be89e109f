"""Audio of the demo set without video: sentences of the training split in the voices of its identities."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bench_lipsync.harness.datasets.demo.plan import generator_version, plans
from bench_lipsync.harness.util.paths import cache_dir

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EVERY = 10
"""Every tenth clip: 24 utterances of 24 identities, about 80 s."""


def foreign_speech() -> list[NDArray[np.int16]]:
    """Utterances, int16 at 16 kHz, synthesised on first use (half a minute) and cached."""
    import numpy as np

    path = cache_dir() / "demo" / generator_version() / "foreign_speech.npz"
    if not path.is_file():
        utterances = _synthesise()
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{uuid.uuid4().hex[:8]}.npz")
        np.savez(scratch, allow_pickle=False, **{f"{number:03d}": samples for number, samples in enumerate(utterances)})
        scratch.replace(path)
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in sorted(archive.files)]


def _synthesise() -> list[NDArray[np.int16]]:
    from bench_lipsync.harness.datasets.demo.speech import synthesise
    from bench_lipsync.harness.util.progress import each

    selected = plans("train")[::_EVERY]
    return [synthesise(plan.sentence, plan.voice).samples for plan in each("speech", selected)]
