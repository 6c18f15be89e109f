"""External models: foreign repositories, each with a description, run by one engine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalogue": ["from_file", "load", "names", "targets"],
        "description": ["Alignment", "Description", "Environment", "Input", "Output", "Step", "fill"],
        "doctor": ["examine", "overview"],
        "installation": ["read_installation"],
        "setup": ["SetupRequest", "set_up"],
    },
)
