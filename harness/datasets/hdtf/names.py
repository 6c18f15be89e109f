"""File names of HDTF, and the identities behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass

SUBSETS = ("RD", "WDA", "WRA")
"""Radio, Weekly Democratic Address, Weekly Republican Address."""

_ALIASES = {"WhipJimClyburn": "JamesClyburn"}
"""Different names of one speaker, found by reading all 221 names."""
_CLIP = re.compile(r"(?:(RD|WDA|WRA)_)?([A-Z][A-Za-z0-9-]{0,60})_(\d{1,4})", re.ASCII)
_VIDEO = re.compile(r"[A-Z][A-Za-z0-9-]{0,60}", re.ASCII)


@dataclass(frozen=True)
class ClipName:
    """The parts of `SUBSET_Name_iii` or `Name_i`."""

    subset: str | None
    name: str
    """Name of the full video, with trailing digits."""
    index: int
    """0-based interval of the full video."""


def parse_clip_name(stem: str) -> ClipName | None:
    """Parse a file name without suffix; `None` if it is no clip name of HDTF."""
    match = _CLIP.fullmatch(stem)
    return ClipName(match[1], match[2], int(match[3])) if match else None


def is_video_name(name: str) -> bool:
    """Whether `name` may be the name of a full video: a capital, then letters, digits and hyphens."""
    return _VIDEO.fullmatch(name) is not None


def identity_of(name: str) -> str:
    """The speaker of a video: its name without the trailing digits that number a speaker's videos.

    Example:
        >>> identity_of("AdamKinzinger2"), identity_of("WhipJimClyburn"), identity_of("Radio31")
        ('AdamKinzinger', 'JamesClyburn', 'Radio')
    """
    speaker = re.sub(r"\d+$", "", name)
    return _ALIASES.get(speaker, speaker)
