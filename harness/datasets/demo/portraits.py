"""The committed portraits, one for each identity, with their landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Portrait:
    """A synthetic face, frontal and with closed lips."""

    name: str
    """`SPLIT_NN`."""
    still: NDArray[np.uint8]
    """(S, S, 3) RGB."""
    landmarks: NDArray[np.float32]
    """(478, 3) MediaPipe points in pixels of `still`."""


@cache
def portrait_names(split: str) -> tuple[str, ...]:
    """Names of the portraits of a split, in order."""
    data = files(__package__).joinpath("data")
    return tuple(
        sorted(f.name[:-4] for f in data.iterdir() if f.name.startswith(f"{split}_") and f.name.endswith(".jpg"))
    )


def load_portrait(name: str) -> Portrait:
    """Read a portrait and its landmarks from the package."""
    import io

    import cv2
    import numpy as np

    data = files(__package__).joinpath("data")
    still = cv2.imdecode(np.frombuffer(data.joinpath(f"{name}.jpg").read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    with np.load(io.BytesIO(data.joinpath("landmarks.npz").read_bytes()), allow_pickle=False) as archive:
        index = archive["names"].tolist().index(name)
        landmarks = archive["points"][index].astype(np.float32) / 32
    return Portrait(name, np.ascontiguousarray(still), landmarks)


@cache
def sentences(split: str) -> tuple[str, ...]:
    """The sentences of a split; no sentence is in two splits."""
    text = files(__package__).joinpath("data", f"sentences_{split}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())
