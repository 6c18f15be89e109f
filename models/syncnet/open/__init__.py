"""A small SyncNet trained here, with weights in the package."""

from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "weights" / "open_syncnet.safetensors"
"""The committed weights. Here so that the scorers can be described without importing torch."""
