"""The datasets that come with `bench`."""

from __future__ import annotations

from harness.datasets.base import Dataset
from harness.registry import Registry

DATASETS: Registry[type[Dataset]] = Registry(
    "dataset",
    {
        "demo": "harness.datasets.demo.dataset:DemoDataset",
        "folder": "harness.datasets.folder:FolderDataset",
        "hdtf": "harness.datasets.hdtf:HdtfDataset",
        "voxceleb2": "harness.datasets.voxceleb2:VoxCeleb2Dataset",
    },
)
