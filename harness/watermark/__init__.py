"""The watermark in every output of `bench generate`, and its detector. Scored frames never carry it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["detect", "embed"],
    submod_attrs={"pattern": ["BITS"]},
)
