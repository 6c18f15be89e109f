"""HDTF (Zhang et al., CVPR 2021): reads prepared clips, and prepares them from full videos."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["plan", "prepare"],
    submod_attrs={"dataset": ["HdtfDataset"], "download": ["YtDlp"], "metadata": ["IntervalStatus"]},
)
