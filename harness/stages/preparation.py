"""Preparing a list of clips, outside of a run: for training, and for those who want the canonical clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import progress

logger = logging.getLogger("bench")


@dataclass
class Prepared:
    """What preparation made of the clips, by id."""

    clips: dict[str, PreparedClip] = field(default_factory=dict)
    failures: dict[str, ClipError] = field(default_factory=dict)


def prepare_all(clips: Sequence[Clip], size: int, store: Store, quiet: bool = False) -> Prepared:
    """Prepare every clip, from the store where nothing changed; failures are kept beside the successes."""
    prepared = Prepared()
    for clip in progress.each("prepare", clips, quiet):
        try:
            prepared.clips[clip.id] = stages.prepare(clip, size, store)
        except ClipError as error:
            logger.warning("preparing %s: %s", clip.id, error)
            prepared.failures[clip.id] = error
    return prepared
