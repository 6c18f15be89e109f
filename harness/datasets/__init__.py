"""Datasets: names to lists of clips. Each file knows one layout on disk."""
