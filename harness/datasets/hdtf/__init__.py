"""HDTF (Zhang et al., CVPR 2021): reads prepared clips, and lists the intervals to cut from full videos."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"dataset": ["HdtfDataset"], "metadata": ["select"]},
)
