"""Distances between sets of frames or videos: FID, KID, FVD."""
