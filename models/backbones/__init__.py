"""Pretrained networks that metrics use: Inception, I3D, ArcFace, LPIPS, S3FD."""
