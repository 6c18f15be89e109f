"""What all training commands share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "clip_arrays": [
            "ArrayType",
            "Arrays",
            "ClipSpan",
            "arrays_folder",
            "frame_chunks",
            "group_by_identity",
            "load_clip_arrays",
        ],
        "distributed": ["Ranks", "first_alone", "join", "leave", "own_device"],
        "loop": ["Callback", "fit"],
        "metrics_log": ["MetricsLog"],
        "settings": ["change_settings", "make_settings"],
        "split": ["Split", "split_by_hash", "split_clips"],
        "trainer": ["Stateful", "Trainer"],
    },
)
