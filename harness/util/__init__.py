"""Files, paths, progress, threads and time spans; nothing here knows of clips or models."""
