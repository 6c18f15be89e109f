"""Do masks cover the mouth, follow the head and keep the lips' secret? Measured on any folder of videos.

`python benchmarks/accuracy/masking.py FOLDER` takes videos, which it prepares into the cache, or folders of prepared
clips; what it gave is in docs/masking.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.dataset import ClipRequest
from bench_lipsync.harness.datasets.folder import FolderDataset
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.stages.stages import prepare
from bench_lipsync.harness.store.store import Store
from benchmarks.accuracy.masking_measures import COVERED, MaskSeries, chance, correlation, fast, measure, pooled

KINDS = ("pose-aware", "landmark", "box", "half-frame")
LONG = 75
"""Frames from which on a clip is judged by itself."""
BANDS = (0, 10, 20, 30, 40, 90)
"""Degrees of yaw."""


def find_clips(folder: Path) -> Iterator[PreparedClip]:
    """Prepared clips below `folder`, or its videos, prepared; what cannot be prepared is named and left out."""
    ready = sorted(path.parent for path in folder.rglob("meta.json"))
    if ready:
        yield from (PreparedClip.load(path) for path in ready)
        return
    store = Store()
    for clip in FolderDataset().clips(ClipRequest(data_root=folder)).clips:
        try:
            yield prepare(clip, 256, store)
        except ClipError as error:
            print(f"left out {clip.id}: {error.reason}", file=sys.stderr)


def table(kind: str, rows: Sequence[MaskSeries]) -> list[str]:
    """What is said of one kind of mask."""
    frames = np.concatenate([row.worst for row in rows])
    edge = np.concatenate([row.edge for row in rows])
    lines = [f"\n{kind}: {len(rows)} clips, {len(frames)} frames"]
    lines.append(
        f"  lips and chin covered in {(frames < COVERED).sum()} frames ({(frames < COVERED).mean():.2%});"
        f" most that is kept under a point: {frames.max():.2f}"
    )
    for name, some in (
        ("all clips", rows),
        (f"clips of {LONG} frames and more", [r for r in rows if len(r.area) >= LONG]),
    ):
        if len(some) > 1:
            lines += _lips(name, some)
    spread = np.mean([row.area.std() / row.area.mean() for row in rows])
    lines.append(f"  area varies by {spread:.2%} of its mean within a clip")
    lines.append(f"  edge moves {np.nanmean(edge):.3f} px a frame beside the head (median {np.nanmedian(edge):.3f})")
    yaw = np.abs(np.concatenate([row.yaw for row in rows]))
    for low, high in pairwise(BANDS):
        some = frames[(yaw >= low) & (yaw < high)]
        if len(some):
            share = (some < COVERED).mean()
            count = f"{len(some):6d} frames"
            lines.append(f"    yaw {low:2d} to {high:2d}: {count}, covered {share:7.2%}, most kept {some.max():.2f}")
    return lines


def _lips(name: str, rows: Sequence[MaskSeries]) -> list[str]:
    lines = []
    for rate, of in (("", lambda x: x), ("fast ", fast)):
        pairs = [(of(row.opening), of(row.area)) for row in rows]
        each = np.array([correlation(*pair) for pair in pairs])
        low, high = chance(pairs, pooled)
        usual = chance(pairs, lambda mixed: float(np.mean([abs(correlation(*pair)) < 0.1 for pair in mixed])))
        lines.append(
            f"  {name}, {rate}r(area, opening): pooled {pooled(pairs):+.3f} (chance {low:+.3f} to {high:+.3f}); by clip"
            f" mean {each.mean():+.3f}, |r| < 0.1 in {np.mean(np.abs(each) < 0.1):.0%}"
            f" (chance {usual[0]:.0%} to {usual[1]:.0%})"
        )
    return lines


def clip_line(kind: str, row: MaskSeries) -> str:
    """One clip under one kind of mask."""
    slow, quick = correlation(row.opening, row.area), correlation(fast(row.opening), fast(row.area))
    return (
        f"{row.clip[:40]:40s} {kind:10s} {len(row.area):4d} frames, yaw to {np.abs(row.yaw).max():3.0f}, r {slow:+.2f},"
        f" fast {quick:+.2f}, kept {row.worst.max():.2f}, edge {np.nanmean(row.edge):.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="videos, or prepared clips, in any subfolders")
    parser.add_argument("--masks", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--mesh", choices=["mediapipe", "bfm"], default="mediapipe")
    parser.add_argument("--clips", action="store_true", help="a line for every clip as well")
    args = parser.parse_args()
    rows: dict[str, list[MaskSeries]] = {kind: [] for kind in args.masks}
    for clip in find_clips(args.folder):
        for kind, found in measure(clip, args.masks, args.mesh).items():
            rows[kind].append(found)
            if args.clips:
                print(clip_line(kind, found), flush=True)
    for kind, found in rows.items():
        if found:
            print("\n".join(table(kind, found)))


if __name__ == "__main__":
    main()
