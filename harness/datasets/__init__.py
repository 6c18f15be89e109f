"""Datasets: lists of clips from folders on disk. Each module reads one layout."""
