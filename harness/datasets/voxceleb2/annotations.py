r"""VoxCeleb2's published text files (`vox2_dev_txt.zip`, `vox2_test_txt.zip`), one for each utterance.

    Identity  : \tid00017
    Reference : \t7t6lfzvVaTM
    Offset    : \t1
    FV Conf   : \t16.647\t(1)
    ASD Conf  : \t4.465

    FRAME \tX \tY \tW \tH
    000245 \t0.392 \t0.223 \t0.253 \t0.451

The number of a frame counts at 25 fps from the beginning of the video `Reference`; a box is left edge, top edge, width
and height as fractions of the frame (in VoxCeleb1: in pixels).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench_lipsync.harness.datasets.discover import FoundFiles, find_files, listed, shown
from bench_lipsync.harness.datasets.splits import check_split, read_list
from bench_lipsync.harness.datasets.voxceleb2.dataset import TEST_LIST, utterance_of
from bench_lipsync.harness.datasets.voxceleb2.track import CropRule, Track, VoxCelebVideo, track_spans
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.progress import each
from bench_lipsync.harness.util.text_files import read_text

_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
_UTTERANCE = re.compile(r"\d{1,8}", re.ASCII)
_HEADER = re.compile(r"(Identity|Reference|Offset)\s*:\s*(\S+)", re.ASCII)
_TABLE = ["FRAME", "X", "Y", "W", "H"]
_MAX_FRAME = 10_000_000
_WHERE = "--metadata needs the unpacked vox2_dev_txt.zip or vox2_test_txt.zip, txt/idNNNNN/VIDEO/UTTERANCE.txt"


def find_annotations(folder: Path, split: str) -> FoundFiles:
    """The files of the identities of `split` (`auto` is `all` here: nothing is on disk yet).

    Raises:
        BenchError: There are none.
    """
    check_split(split)
    if not folder.is_dir():
        raise BenchError(f"--metadata {shown(folder)} is no folder; {_WHERE}")
    found, test = find_files(folder, (".txt",)), read_list(TEST_LIST)
    names = {path: _named(path, folder) for path in found.files}
    once = {name: path for path, name in reversed(names.items()) if name is not None}
    notices = list(found.notices)
    if unnamed := [path for path, name in names.items() if name is None]:
        notices.append(f"left out {listed(unnamed, folder)}: not idNNNNN/VIDEO/UTTERANCE.txt")
    if twice := [path for path, name in names.items() if name is not None and once[name] != path]:
        notices.append(f"left out {listed(twice, folder)}: the same utterance is there twice")
    files = [once[name] for name in sorted(once) if split in ("all", "auto") or (name[0] in test) == (split == "test")]
    if not files:
        raise BenchError(f"no utterances of split {split!r} below --metadata {shown(folder)}; {_WHERE}")
    return FoundFiles(folder, tuple(files), tuple(notices))


def _named(path: Path, root: Path) -> tuple[str, str, str] | None:
    name = utterance_of(path, root)
    return name if name is not None and _VIDEO.fullmatch(name[1]) and _UTTERANCE.fullmatch(name[2]) else None


def read_tracks(found: FoundFiles, rule: CropRule) -> Iterator[Track]:
    """The tracks of each annotation, in order; one that cannot be used is one track with a `fault`."""
    for path in each("read", found.files):
        name = _named(path, found.root)
        if name is None:  # Excluded by `find_annotations`.
            raise ValueError(path)
        identity, video, utterance = name
        whole = Track(identity, VoxCelebVideo(video), utterance, 0, 0, 0, (0, 0, 0, 0), (0, 0), rule)
        try:
            yield from _tracks(whole, read_text(path, "the annotation"))
        except (BenchError, ValueError) as error:
            yield replace(whole, fault=shown(error))


def _tracks(whole: Track, text: str) -> Sequence[Track]:
    """Raises `ValueError` for a text that is no annotation of this utterance."""
    rows = [line.split() for line in text.splitlines()]
    if _TABLE not in rows:
        raise ValueError("its annotation has no table FRAME X Y W H")
    start = rows.index(_TABLE)
    header = dict(_HEADER.findall("\n".join(text.splitlines()[:start])))
    for key, ours in (("Identity", whole.identity), ("Reference", whole.video.name)):
        if header.get(key, ours) != ours:
            raise ValueError(f"its annotation says {key} {header[key]}, not {ours}")
    table = [row for row in rows[start + 1 :] if row]
    if not table or any(len(row) != len(_TABLE) for row in table):
        raise ValueError("the table of its annotation does not have five numbers in each row")
    values = np.array(table, dtype=np.float64)
    frames, boxes = values[:, 0], values[:, 1:].copy()
    if not (np.isfinite(values).all() and (frames % 1 == 0).all() and (np.diff(frames) > 0).all()):
        raise ValueError("the frames of its annotation are not whole numbers in ascending order")
    if frames[0] < 0 or frames[-1] > _MAX_FRAME:
        raise ValueError(f"the frames {frames[0]:g} to {frames[-1]:g} of its annotation are in no video")
    if (boxes[:, 2:] <= 0).any() or np.abs(boxes).max() > 2:
        raise ValueError("the boxes of its annotation are not fractions of a frame (those of VoxCeleb1 are in pixels)")
    boxes[:, 2:] += boxes[:, :2]
    tracks = []
    for number, span in enumerate(track_spans(frames.astype(np.int64), boxes)):
        part = boxes[span]
        union = (*part[:, :2].min(axis=0).tolist(), *part[:, 2:].max(axis=0).tolist())
        face = tuple((part[:, 2:] - part[:, :2]).min(axis=0).tolist())
        tracks.append(
            replace(
                whole,
                number=number,
                first=int(frames[span.start]),
                frames=len(part),
                union=union,
                face=face,
                offset=header.get("Offset", ""),
            )
        )
    return tracks
