"""Operations on frames that several models share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "frames": ["composite", "hide", "resize", "to_tensor", "to_uint8"],
        "mouth": ["CUT_SIZE", "cut", "mouth_squares"],
    },
)
