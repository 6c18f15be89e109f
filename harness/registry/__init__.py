"""Plug-ins by name, and how names of models and metrics are read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["metric_names"],
    submod_attrs={
        "model_names": ["parse_name", "row_name"],
        "plugins": ["BOUNDS", "DATASETS", "MODELS", "PACKAGED", "SCORERS"],
        "registry": ["Registry", "UnknownNameError"],
    },
)
