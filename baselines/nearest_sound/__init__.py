"""A baseline that reorders the clip's own mouths by the similarity of the audio."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"model": ["NearestSound"]},
)
