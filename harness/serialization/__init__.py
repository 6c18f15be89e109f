"""Weights and arrays in files: readers for untrusted files, none of which executes code, and reproducible writers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "array_pickle": ["read_array_pickle", "read_torchscript"],
        "matlab": ["MatError", "read_mat"],
        "pickle_guard": ["check_pickle"],
        "weights": [
            "RefusedFileError",
            "check_torch",
            "fill_model",
            "load_model",
            "load_tensors",
            "read_labelled",
            "read_safetensors",
            "read_torch",
            "save_weights",
        ],
    },
)
