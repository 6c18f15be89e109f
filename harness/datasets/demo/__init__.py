"""The demo dataset: synthetic talking heads, rendered on the user's machine from small portraits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["foreign_speech"],
    submod_attrs={"dataset": ["DemoDataset"]},
)
