"""Few-shot adaptation to one speaker."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["adapt"],
    submod_attrs={"settings": ["AdaptSettings", "preset"]},
)
