"""Baselines: bounds, `nearest-sound`, precomputed videos and external models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"bounds": ["GroundTruth", "ShuffledAudio", "Static"], "precomputed": ["Precomputed"]},
)
