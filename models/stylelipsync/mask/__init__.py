"""The pose-aware mask from a 3D face mesh."""
