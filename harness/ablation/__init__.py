"""Ablations: every variant of a model measured against the whole model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["deltas"],
    submod_attrs={"run": ["carry_out"], "variants": ["Ablation", "FULL", "default_variants", "load_variants"]},
)
