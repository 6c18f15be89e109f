"""The evaluation engine of `bench`: clips in, signed and bounded numbers out.

Nothing here imports `models`, `metrics`, `baselines` or `reports`; those are reached by name
(`harness.registry.plugins`).
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["BenchError", "ClipError", "NoRoomError", "Status", "first_problem", "suggest", "validate"],
    },
)
