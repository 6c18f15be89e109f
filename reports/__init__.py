"""Tables and pages made from run folders on disk; nothing here computes a metric."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["terminal"],
    submod_attrs={"escape": ["markdown"]},
)
