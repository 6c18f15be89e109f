"""How often the open SyncNet finds the offset of real clips that it never saw, by how long it may look.

`python benchmarks/accuracy/sync_length.py --data-root DIR --offsets CSV`; what it gave is in docs/training_syncnet.md.
The CSV has the columns `file` (below DIR) and `offset`, the true reading in frames. Clips are cut into stretches of
each length; every stretch is read with its own sound and with that of the next clip.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.stages.stages import prepare
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.metrics.lse.formulas import read_sync, window_count
from bench_lipsync.metrics.lse.scorers import OpenSyncScorer
from bench_lipsync.models.syncnet.open.crops import crop_mouths, mouth_frames
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, load_open_syncnet

LENGTHS = (25, 38, 50, 75, 125, 250)
"""Frames of a stretch; 25 are a second."""
_MIN_PAIRS = 5


class Embedded(NamedTuple):
    """One clip as unit vectors."""

    name: str
    offset: int
    """What a perfect reading would be."""
    lips: NDArray[np.float32]
    sound: NDArray[np.float32]


@dataclass
class Tally:
    """What was read at one length."""

    stretches: int = 0
    own: int = 0
    """Read within one frame of the truth, with the own sound."""
    stranger: int = 0
    """The same with another clip's sound: luck."""
    confidence: list[tuple[float, float]] = field(default_factory=list)
    """LSE-C with the own and with the other sound."""


def embed(clip: PreparedClip, offset: int, network: OpenSyncNet, scorer: OpenSyncScorer) -> Embedded:
    """Both halves of the network over the whole clip."""
    where, parts, first = mouth_frames(clip.faces.landmarks), [], 0
    for frames in clip.read_frames():
        parts.append(crop_mouths(frames, where[first : first + len(frames)], network.config.crop))
        first += len(frames)
    audio = clip.audio()
    windows = window_count(clip.frames, len(audio))
    with torch.inference_mode():
        lips = network.lips(torch.from_numpy(np.concatenate(parts)).float()[None] / 255.0)[0].numpy()[:windows]
    return Embedded(clip.id, offset, lips, scorer._embed_audio(audio, windows))


def stretches(lips: NDArray[np.float32], sound: NDArray[np.float32], length: int) -> Iterator[slice]:
    """Windows of stretches of `length` frames one after the other, two a second where clips are short."""
    count, step = min(len(lips), len(sound)), max(length // 2, 12)
    for start in range(0, count - (length - 4) + 1, step):
        yield slice(start, start + length - 4)


def measure(clips: list[Embedded], length: int) -> Tally:
    """Read all stretches of one length."""
    tally = Tally()
    for index, clip in enumerate(clips):
        other = clips[(index + 1) % len(clips)]
        foreign = np.resize(other.sound, clip.sound.shape)
        for span in stretches(clip.lips, clip.sound, length):
            own, strange = (
                read_sync(clip.lips[span], sound[span], edges="pairs", min_pairs=_MIN_PAIRS)
                for sound in (clip.sound, foreign)
            )
            tally.stretches += 1
            tally.own += abs(own.offset - clip.offset) <= 1
            tally.stranger += abs(strange.offset - clip.offset) <= 1
            tally.confidence.append((own.confidence, strange.confidence))
    return tally


def load(root: Path, table: Path) -> list[Embedded]:
    """The clips of `table`; those that cannot be prepared are named and left out."""
    network, scorer, found = load_open_syncnet(), OpenSyncScorer(), []
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name = safe_id(row["file"])
        try:
            clip = prepare(Clip(name, name, root / row["file"]), 256, Store())
        except ClipError as error:
            print(f"{row['file']} left out: {error}")
            continue
        found.append(embed(clip, int(row["offset"]), network, scorer))
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--offsets", type=Path, required=True)
    options = parser.parse_args()
    clips = load(options.data_root, options.offsets)
    print(f"{len(clips)} clips\n frames stretches  own +-1  other +-1  LSE-C own  other  own higher")
    for length in LENGTHS:
        tally = measure(clips, length)
        if not tally.stretches:
            continue
        own, other = np.array(tally.confidence).T
        own_share, other_share, higher = (
            100 * value for value in (tally.own / len(own), tally.stranger / len(own), float(np.mean(own > other)))
        )
        print(
            f"{length:7d} {len(own):9d} {own_share:7.0f} % {other_share:8.0f} % {own.mean():10.3f} {other.mean():6.3f} "
            f"{higher:9.0f} %"
        )


if __name__ == "__main__":
    main()
