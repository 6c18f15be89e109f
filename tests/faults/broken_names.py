"""File and folder names that try to be something else; what lies behind each is a good video of a few frames."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from broken_case import TOLD, Case, Lures
from broken_media import Picture, Sound, write

SHORT = frozenset({"too_short"})

_NAMES: dict[str, str | bytes] = {
    "arabic": "متحدث.mp4",
    "hebrew": "דובר.mp4",
    "chinese": "说话人.mp4",
    "devanagari": "वक्ता.mp4",
    "thai": "ผู้พูด.mp4",
    "combining": "a\u0301\u0323\u0302.mp4",
    "not_normalised": "A\u030a.mp4",
    "emoji": "👩\u200d🚀🗣.mp4",
    "right_to_left_override": "a\u202e4pm.mp4",
    "zero_width": "a\u200b\u2060b.mp4",
    "newline": "a\nb.mp4",
    "carriage_return_and_escape": "a\r\x1b[31mred\x1b[0m.mp4",
    "terminal_title": "\x1b]0;owned\x07.mp4",
    "tab_bell_delete": "a\t\x07\x7f.mp4",
    "leading_dash": "-rf.mp4",
    "leading_dashes": "--help.mp4",
    "longest": "x" * 251 + ".mp4",
    "longest_multibyte": "ü" * 125 + ".mp4",
    "spaces": "  a  .mp4",
    "trailing_dots": "a....mp4",
    "hidden": "...mp4.mp4",
    "looks_like_parent": "..mp4x.mp4",
    "invalid_utf8": b"a\xff\xfe\xc3\x28.mp4",
    "surrogate_bytes": b"\xed\xa0\x80.mp4",
    "overlong_slash": b"a\xc0\xaf..b.mp4",
    "windows_device": "CON.mp4",
    "windows_device_port": "LPT1.mp4",
    "windows_forbidden": 'a<>:"|?*\\b.mp4',
    "backslashes": "..\\..\\windows.mp4",
    "shell": "$(touch owned);`touch owned`&&touch owned|#'.mp4",
    "quotes": "a'b\"c.mp4",
    "percent": "%s%n%d%%2e%2e.mp4",
    "format": "{0.__class__}{clip}.mp4",
    "html": "<script>alert(1)<&#47;script>.mp4",
    "csv_formula": "=cmd|'calc'!A1.mp4",
    "url": "http:x@y.mp4",
    "protocol": "concat:a|b.mp4",
    "image_pattern": "a%03d.mp4",
    "glob": "[a-z]*?{1,2}.mp4",
    "tilde": "~root.mp4",
    "environment": "$HOME.mp4",
    "upper_suffix": "A.MP4",
    "two_suffixes": "a.mp4.exe.mp4",
    "none_but_suffix_like": "mp4.mp4",
    "null_word": "null.mp4",
    "nan_word": "nan.mp4",
    "control_c1": "a\x85\x9bb.mp4",
    "private_use": "\ue000\U000f0000.mp4",
    "bidi_isolates": "\u2066a\u2069.mp4",
    "full_width": "．．／ａ.mp4",
}


@cache
def tiny() -> bytes:
    """A good video of five small frames."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        picture = Picture("mpeg4", size=(32, 32), seconds=0.2)
        return write(Path(folder) / "a.mp4", [picture], [Sound(seconds=0.2)]).read_bytes()


def _named(name: str | bytes) -> Callable[[Path, Lures], object]:
    def make(folder: Path, lures: Lures) -> None:
        with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as stream:  # noqa: PTH118, PTH123
            stream.write(tiny())

    return make


def _as_folder(name: str | bytes) -> Callable[[Path, Lures], object]:
    def make(folder: Path, lures: Lures) -> None:
        inner = os.path.join(os.fsencode(folder), os.fsencode(name))  # noqa: PTH118
        os.mkdir(inner)  # noqa: PTH102
        with open(os.path.join(inner, b"a.mp4"), "wb") as stream:  # noqa: PTH118, PTH123
            stream.write(tiny())

    return make


def _case_clash(folder: Path, lures: Lures) -> None:
    for name in ("clip.mp4", "CLIP.mp4", "Clip.MP4", "clip.mkv", "clip .mp4"):
        (folder / name).write_bytes(tiny())


def _deep(folder: Path, lures: Lures) -> None:
    for _ in range(60):
        folder = folder / ("d" * 30)
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(tiny())


def _many_folders(folder: Path, lures: Lures) -> None:
    for k in range(2000):
        (folder / f"{k:04d}").mkdir()
    (folder / "0000" / "a.mp4").write_bytes(tiny())


def name_cases() -> list[Case]:
    """All of them."""
    core = {"right_to_left_override", "newline", "invalid_utf8", "shell", "longest", "leading_dash", "protocol"}
    return [
        # Names that begin with a dot are hidden files, which are left out.
        *(
            Case(f"name/{key}", _named(name), TOLD if str(name).startswith(".") else SHORT, core=key in core)
            for key, name in _NAMES.items()
        ),
        Case("name/folder_newline", _as_folder("a\nb"), SHORT),
        Case("name/folder_invalid_utf8", _as_folder(b"\xff\xfe"), SHORT, core=True),
        Case("name/folder_dots", _as_folder("..."), SHORT | {"bench_error"}),
        Case("name/folder_markup", _as_folder("<img src=x onerror=alert(1)>"), SHORT),
        Case("name/case_clash", _case_clash, SHORT, core=True),
        Case("name/sixty_folders_deep", _deep, SHORT),
        Case("name/two_thousand_folders", _many_folders, SHORT),
    ]
