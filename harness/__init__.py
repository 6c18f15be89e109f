"""The evaluation engine of `bench`: clips in, signed and bounded numbers out.

Nothing here imports `models`, `metrics`, `baselines` or `reports`; those are reached by name
(`harness.registry.plugins`).
"""

__version__ = "0.1.0"
