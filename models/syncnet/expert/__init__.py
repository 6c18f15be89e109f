"""The sync expert that judges lip sync in training."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"network": ["SyncExpert", "load_expert", "sync_loss"], "train": ["run"]},
)
