"""HDTF (Zhang et al., CVPR 2021): reads prepared clips, and prepares them from full videos."""
