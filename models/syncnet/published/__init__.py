"""The published SyncNet (Chung and Zisserman, 2016); its weights are the user's own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["mfcc"],
    submod_attrs={"checkpoint": ["load_syncnet_v2"], "lips": ["LipNetwork"], "network": ["WINDOW_FRAMES"]},
)
