"""Videos generated elsewhere, checked and read as the output of a model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "files": ["Matches", "PredictedFiles"],
        "video": ["GEOMETRIES", "PredictedVideo", "RATE_TOLERANCE", "RULE", "lossy_note"],
    },
)
