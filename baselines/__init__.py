"""Baselines: bounds, `nearest-sound`, precomputed videos and external models."""
