"""StyleLipSync (Ki and Min, ICCV 2023): lip synchronisation with a style-based generator, complete and trainable.

Sources: arXiv 2305.00521 and the authors' public inference code and checkpoint listing. What neither states is ours and
is said to be ours where it is decided.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checkpoint": ["Adaptation", "Checkpoint", "CheckpointInfo", "FORMAT", "load_checkpoint", "save_checkpoint"],
        "model": ["DEMO_WEIGHTS", "StyleLipSync"],
        "variants": ["load_named_checkpoint"],
    },
)
