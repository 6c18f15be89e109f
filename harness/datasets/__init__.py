"""Datasets: lists of clips from folders on disk. Each module reads one layout."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "clip_lists": ["ByName", "ListedPair", "PairOrder", "find_all", "read_clip_list", "read_pair_list"],
        "discover": [
            "AUDIO_SUFFIXES",
            "FoundFiles",
            "VIDEO_SUFFIXES",
            "audio_beside",
            "find_files",
            "ids_from_paths",
            "listed",
            "require_root",
            "shown",
        ],
        "folder": ["FolderDataset"],
        "recordings": ["read_speech"],
        "splits": ["check_split", "choose", "read_list"],
    },
)
