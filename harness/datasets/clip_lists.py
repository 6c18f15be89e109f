"""Lists of clips, and of pairs of video and audio, in the forms in which benchmarks publish them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Generic, Literal, NamedTuple, TypeVar

from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.text_files import read_text

T = TypeVar("T")
PairOrder = Literal["audio,video", "video,audio"]
"""Order of the columns of a list of pairs."""
MAX_LIST_BYTES = 64 << 20
"""Size limit of a list; a million pairs fit."""
_SUFFIXES = frozenset({*VIDEO_SUFFIXES, *AUDIO_SUFFIXES})
_SHOWN = 5


class ListedPair(NamedTuple):
    """One line of a list of pairs, as written."""

    video: str
    audio: str


def read_clip_list(path: Path) -> tuple[str, ...]:
    """The names in a list of clips, one a line; blank lines and `#` comments are left out.

    Raises:
        BenchError: The file cannot be read, or names nothing, or a line has two names.

    """
    lines = _lines(path, "the list of clips")
    for number, words in lines:
        if len(words) != 1:
            raise BenchError(
                f"{shown(path)} line {number} has {len(words)} columns; a list of clips has one name a line, and a "
                "list of pairs goes to --pairs"
            )
    return tuple(words[0] for _, words in lines)


def read_pair_list(path: Path, order: PairOrder | None = None) -> tuple[ListedPair, ...]:
    """The pairs in a list, one a line, in two columns separated by blanks, a tab or a comma.

    The order of the columns is never guessed: it is given, or the list states it in its first line (`audio video`), or
    its suffixes tell (`.wav` in one column), or it does not matter because every line names one clip twice.

    Args:
        path: The list. Wav2Lip's and Diff2Lip's have `audio,video`, ReSyncED's `video,audio`.
        order: Order of the columns, where the list does not tell.

    Raises:
        BenchError: The file cannot be read, a line has not two columns, or the order is unknown or contradicted.

    """
    lines = _lines(path, "the list of pairs")
    for number, words in lines:
        if len(words) != 2:
            raise BenchError(f"{shown(path)} line {number} has {len(words)} columns; a pair has two: video and audio")
    pairs = [(words[0], words[1]) for _, words in lines]
    found = _stated_order(pairs[0])
    if found:
        pairs = pairs[1:]
    else:
        found = _order_by_suffix(pairs)
    if found and order and found != order:
        raise BenchError(f"{shown(path)} has its columns in the order {found}, and --pair-order says {order}")
    used = found or order
    if used is None and any(one != two for one, two in pairs):
        raise BenchError(
            f"{shown(path)} does not say which column is the audio; give --pair-order audio,video (lists of Wav2Lip "
            "and Diff2Lip) or --pair-order video,audio"
        )
    if not pairs:
        raise BenchError(f"{shown(path)} names no pair; put one a line: VIDEO AUDIO")
    return tuple(ListedPair(two, one) if used == "audio,video" else ListedPair(one, two) for one, two in pairs)


def _lines(path: Path, what: str) -> list[tuple[int, list[str]]]:
    """Line numbers and columns. Raises `BenchError` for a file without any."""
    lines = []
    for number, line in enumerate(read_text(path, what, MAX_LIST_BYTES).splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            separator = r"\s*[,\t]\s*" if re.search(r"[,\t]", text) else r"\s+"
            lines.append((number, re.split(separator, text)))
    if not lines:
        raise BenchError(f"{shown(path)} names nothing; {what} has one a line")
    return lines


def _stated_order(first: tuple[str, str]) -> PairOrder | None:
    words = {"video": "video", "clip": "video", "audio": "audio", "sound": "audio"}
    named = [words.get(word.lower()) for word in first]
    if named == ["audio", "video"]:
        return "audio,video"
    return "video,audio" if named == ["video", "audio"] else None


def _order_by_suffix(pairs: Sequence[tuple[str, str]]) -> PairOrder | None:
    is_audio = [any(pair[column].lower().endswith(AUDIO_SUFFIXES) for pair in pairs) for column in (0, 1)]
    if is_audio == [True, False]:
        return "audio,video"
    return "video,audio" if is_audio == [False, True] else None


class ByName(Generic[T]):
    """Finds what a list names: by id, or by the end of its path, with or without suffix.

    `id00017/01dfn2spqyE/00001`, `00001.mp4` and `id00017_01dfn2spqyE_00001` can all name one clip.
    """

    def __init__(self, items: Mapping[str, T], paths: Mapping[str, Path]) -> None:
        """Index `items` by their ids (keys) and by the `paths` of the same keys."""
        self._items = items
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for key in items:
            self._by_name[_plain(key)].add(key)
            parts = PurePosixPath(_plain(paths[key].as_posix())).parts
            for count in range(1, len(parts) + 1):
                self._by_name["/".join(parts[-count:])].add(key)

    def find(self, name: str) -> T | None:
        """What `name` names; `None` for nothing. Raises `BenchError` where it could be several."""
        keys = self._by_name.get(_plain(name), set())
        if len(keys) > 1 and _plain(name) in keys:
            keys = {_plain(name)}
        if len(keys) > 1:
            examples = " and ".join(sorted(keys)[:2])
            raise BenchError(
                f"{shown(name)!r} could be {len(keys)} clips ({examples}); write more of the path, or the id"
            )
        return self._items[next(iter(keys))] if keys else None


def find_all(names: Iterable[str], found: Mapping[str, T | None], source: str, expected: str) -> list[T]:
    """What `names` name, in their order. Raises `BenchError` that counts the names that are not there."""
    names = list(dict.fromkeys(names))
    missing = [name for name in names if found.get(name) is None]
    if missing:
        listed = ", ".join(shown(name) for name in missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise BenchError(
            f"{len(missing)} of {len(names)} names in {source} are no {expected}: {listed}; `bench data list` shows "
            "what there is"
        )
    return [item for name in names if (item := found[name]) is not None]


def _plain(name: str) -> str:
    """A name in NFC form, without a known suffix and without `./`."""
    text = unicodedata.normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./").strip("/")
    path = PurePosixPath(text)
    return path.with_suffix("").as_posix() if path.suffix.lower() in _SUFFIXES else text
