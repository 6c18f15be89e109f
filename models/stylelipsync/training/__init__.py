"""Training StyleLipSync."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batches": ["Batch", "window"],
        "data": ["DATA_VERSION", "TrainingData", "load_data"],
        "losses": ["ReconstructionLoss"],
        "settings": ["DEMO", "PRESETS", "TrainSettings"],
        "train": ["run"],
    },
)
