"""The contracts between the engine and its plug-ins: clips, datasets, models, metrics."""
