"""Weights tuned to each person of a run: made before the row is generated, loaded one at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from harness import stages
from harness.adaptation import Footage
from harness.loading import LoadedModel
from harness.model import AdaptableModel, LipSyncModel
from harness.status import ClipError
from harness.store import Store

logger = logging.getLogger("bench")


class AdaptedWeights:
    """The tuned copies of one model, by the clip that each is for."""

    def __init__(self, model: AdaptableModel, folders: Mapping[str, Path | ClipError]) -> None:
        self._model = model
        self._folders = folders
        self._loaded: tuple[Path, LipSyncModel] | None = None

    def for_clip(self, clip: str) -> LipSyncModel:
        """The copy for clip id `clip`. Raises the `ClipError` that adapting ended in."""
        folder = self._folders[clip]
        if isinstance(folder, ClipError):
            raise folder
        # One at a time: a published network takes half a gigabyte.
        if self._loaded is None or self._loaded[0] != folder:
            self._loaded = (folder, self._model.adapted(folder))
        return self._loaded[1]


def adapt_all(model: LoadedModel, footage: Mapping[str, Footage], store: Store) -> AdaptedWeights | None:
    """Tune `model` to the footage of every clip; `None` for a row that is not adapted."""
    if model.request is None or not isinstance(model.model, AdaptableModel):
        return None
    folders: dict[str, Path | ClipError] = {}
    for clip, use in footage.items():
        try:
            folders[clip] = stages.adapt(model.model, use.clip, use.frames, model.request, store)
        except ClipError as error:
            logger.warning("%s on %s: %s", model.name, clip, error)
            folders[clip] = error
    return AdaptedWeights(model.model, folders)
