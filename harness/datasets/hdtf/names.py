"""How HDTF names things, and who the people are."""

from __future__ import annotations

import re
from dataclasses import dataclass

SUBSETS = ("RD", "WDA", "WRA")
"""Radio, Weekly Democratic Address, Weekly Republican Address."""

_SAME_PERSON = {"WhipJimClyburn": "JamesClyburn"}
"""Names that differ by more than digits and are one person, found by reading all 221 names."""
_CLIP = re.compile(r"(?:(RD|WDA|WRA)_)?([A-Z][A-Za-z0-9-]{0,60})_(\d{1,4})", re.ASCII)
_VIDEO = re.compile(r"[A-Z][A-Za-z0-9-]{0,60}", re.ASCII)


@dataclass(frozen=True)
class ClipName:
    """`SUBSET_Name_iii` or `Name_i`, taken apart."""

    subset: str | None
    name: str
    """Name of the full video, digits at the end included."""
    index: int
    """0-based interval of the full video."""


def parse_clip_name(stem: str) -> ClipName | None:
    """The parts of a file name without suffix, or `None` if HDTF names no clip like that."""
    match = _CLIP.fullmatch(stem)
    return ClipName(match[1], match[2], int(match[3])) if match else None


def is_video_name(name: str) -> bool:
    """Whether `name` may be the name of a full video: a capital, then letters, digits and hyphens."""
    return _VIDEO.fullmatch(name) is not None


def identity_of(name: str) -> str:
    """Who speaks in the video `name`: the name without the digits that number a person's videos.

    >>> identity_of("AdamKinzinger2"), identity_of("WhipJimClyburn"), identity_of("Radio31")
    ('AdamKinzinger', 'JamesClyburn', 'Radio')
    """
    person = re.sub(r"\d+$", "", name)
    return _SAME_PERSON.get(person, person)
