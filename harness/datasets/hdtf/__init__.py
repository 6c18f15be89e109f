"""HDTF (Zhang et al., CVPR 2021): reading prepared clips, and preparing them from the full videos."""
