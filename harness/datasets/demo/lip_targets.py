"""Lip shapes of English phonemes, by eSpeak NG's mnemonics."""

from __future__ import annotations

from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError


class Target(NamedTuple):
    """Mouth shape of a phoneme: opening 0..1, width -1 (rounded)..1 (spread), tongue tip 0..1."""

    opening: float
    width: float
    tongue: float = 0.0


_VOWELS: dict[str, tuple[Target, ...]] = {
    "aI": (Target(0.95, 0.1), Target(0.38, 0.45)),
    "aU": (Target(0.95, 0.0), Target(0.3, -0.8)),
    "OI": (Target(0.62, -0.6), Target(0.35, 0.4)),
    "oU": (Target(0.6, -0.5), Target(0.25, -0.9)),
    "eI": (Target(0.6, 0.4), Target(0.36, 0.55)),
    "A": (Target(0.95, 0.0),),
    "a": (Target(0.88, 0.3),),
    "0": (Target(0.85, -0.15),),
    "O": (Target(0.68, -0.55),),
    "o": (Target(0.58, -0.65),),
    "V": (Target(0.7, 0.05),),
    "E": (Target(0.66, 0.3),),
    "e": (Target(0.58, 0.4),),
    "I": (Target(0.4, 0.45),),
    "i": (Target(0.3, 0.75),),
    "U": (Target(0.32, -0.65),),
    "u": (Target(0.24, -0.95),),
    "3": (Target(0.45, -0.3),),
    "@": (Target(0.4, 0.0),),
}
_CONSONANTS: dict[str, Target] = {
    name: target
    for names, target in (
        ("tS dZ", Target(0.2, -0.55)),
        ("p b m", Target(0.1, 0.0)),
        ("f v", Target(0.12, 0.15)),
        ("w", Target(0.14, -1.0)),
        ("r", Target(0.28, -0.45)),
        ("l", Target(0.38, 0.1, 1.0)),
        ("L", Target(0.38, 0.0, 1.0)),
        ("t", Target(0.2, 0.2, 0.8)),
        ("d", Target(0.22, 0.2, 0.8)),
        ("n", Target(0.24, 0.15, 0.9)),
        ("*", Target(0.26, 0.15, 0.9)),
        ("s z", Target(0.14, 0.35)),
        ("S Z", Target(0.18, -0.6)),
        ("T D", Target(0.22, 0.1, 1.0)),
        ("k g", Target(0.3, 0.1)),
        ("x", Target(0.3, 0.0)),
        ("C", Target(0.25, 0.3)),
        ("N", Target(0.32, 0.1)),
        ("j", Target(0.22, 0.55)),
        ("h H", Target(0.4, 0.0)),
        ("? Q", Target(0.35, 0.0)),
    )
    for name in names.split()
}


def targets(name: str) -> tuple[Target, ...]:
    """The consecutive lip targets of an eSpeak NG mnemonic.

    Raises:
        BenchError: No lip shape is known for it.
    """
    plain = name.lstrip("',%=|")
    for length in (2, 1):
        key = plain[:length]
        if key in _VOWELS:
            strong = name[:1] == "'" or key not in ("@", "I", "3")
            return tuple(t._replace(opening=t.opening * (1.0 if strong else 0.85)) for t in _VOWELS[key])
        if key in _CONSONANTS and (len(key) == length):
            return (_CONSONANTS[key],)
    raise BenchError(
        f"no lip shape is known for the eSpeak NG phoneme {name!r}; add it to harness/datasets/demo/lip_targets.py"
    )
