"""Distances between sets of frames or videos: FID, KID, FVD."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"fid": ["FidScorer"], "fvd": ["FvdScorer"]},
)
