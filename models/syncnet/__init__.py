"""SyncNet twice: the published network that LSE-C and LSE-D are defined with, and a small open one trained here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "losses": ["contrastive_loss", "info_nce"],
        "settings": ["ExpertSettings", "PRESETS", "SyncLossName", "SyncSettings"],
        "trainer": ["Pairs", "SyncTrainer", "train"],
    },
)
