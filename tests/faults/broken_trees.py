"""Folders that claim to be VoxCeleb2 or cropped HDTF: broken files in the right places, good ones in wrong places."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from broken_bytes import MUTATIONS, good
from broken_case import ANY, LEGAL, REFUSED, TOLD, Case, Kind, Lures
from broken_names import SHORT, tiny

Make = Callable[[Path, Lures], object]
Content = bytes | Make


def playlist(path: Path, lures: Lures) -> None:
    """A file at `path` that names the canary and the server."""
    path.write_text(f"#EXTM3U\n#EXTINF:2,\n{lures.canary}\n#EXTINF:2,\nhttp://{lures.address}/x\n#EXT-X-ENDLIST\n")


def link_out(path: Path, lures: Lures) -> None:
    """A link to the canary."""
    path.symlink_to(lures.canary)


def folder_out(path: Path, lures: Lures) -> None:
    """A link to the canary's folder."""
    path.symlink_to(lures.canary.parent, target_is_directory=True)


def pipe(path: Path, lures: Lures) -> None:
    """A pipe in which nobody writes."""
    os.mkfifo(path)


def no_end(path: Path, lures: Lures) -> None:
    """A link to a file that never ends."""
    path.symlink_to("/dev/zero")


def tree(files: Mapping[str, Content | str]) -> Make:
    """Files by path; a text is the path that a link leads to."""

    def make(folder: Path, lures: Lures) -> None:
        for name, content in files.items():
            path = folder / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif isinstance(content, str):
                path.symlink_to(content)
            else:
                content(path, lures)

    return make


def _tiny(path: Path, lures: Lures) -> None:
    path.write_bytes(tiny())


def _whole(path: Path, lures: Lures) -> None:
    path.write_bytes(good("mp4"))


def _half(path: Path, lures: Lures) -> None:
    path.write_bytes(good("mp4")[: len(good("mp4")) // 2])


def _many(folder: Path, lures: Lures) -> None:
    for k in range(2000):
        (folder / f"id{k:05d}" / "abc").mkdir(parents=True)
    (folder / "id00001" / "abc" / "00001.mp4").write_bytes(tiny())


def _deep(folder: Path, lures: Lures) -> None:
    tree({"/".join(["mp4"] * 60) + "/id00001/abc/00001.mp4": _tiny})(folder, lures)


_UTTERANCE = "mp4/id00001/abcdefghijk/00001.mp4"
_VOXCELEB2: dict[str, tuple[Mapping[str, Content | str] | Make, frozenset[str]]] = {
    "good": ({_UTTERANCE: _whole}, LEGAL),
    "cut_off": ({_UTTERANCE: _half}, REFUSED),
    "zero_bytes": ({_UTTERANCE: b""}, REFUSED),
    "error_page": ({_UTTERANCE: b"<html>403 Forbidden</html>"}, REFUSED),
    "one_of_three_broken": (
        {_UTTERANCE: _tiny, "mp4/id00002/b/00001.mp4": b"", "mp4/id00003/c/00001.mp4": _tiny},
        SHORT | REFUSED,
    ),
    "playlist": ({_UTTERANCE: playlist}, REFUSED),
    "link_out": ({_UTTERANCE: link_out}, TOLD),
    "identity_leads_out": ({"mp4/id00001": folder_out}, TOLD),
    "video_leads_out": ({"mp4/id00001/abc": folder_out}, TOLD),
    "mp4_leads_out": ({"mp4": folder_out}, TOLD),
    "link_inside": ({_UTTERANCE: _tiny, "mp4/id00002/b/00001.mp4": "../../id00001/abcdefghijk/00001.mp4"}, SHORT),
    "folder_loop": ({_UTTERANCE: _tiny, "mp4/id00001/loop": ".."}, SHORT),
    "pipe": ({_UTTERANCE: pipe}, TOLD),
    "dev_zero": ({_UTTERANCE: no_end}, TOLD),
    "identity_is_a_file": ({"mp4/id00001": b"x"}, TOLD),
    "video_is_a_file": ({"mp4/id00001/abc.mp4": _tiny}, TOLD),
    "utterance_is_a_folder": ({_UTTERANCE + "/x.txt": b""}, TOLD),
    "other_digits": ({"mp4/id٠٠٠٠١/abc/00001.mp4": _tiny}, TOLD),
    "capitals": ({"mp4/ID00001/abc/00001.mp4": _tiny}, TOLD),
    "six_digits": ({"mp4/id000011/abc/00001.mp4": _tiny}, TOLD),
    "newline_behind": ({"mp4/id00001\n/abc/00001.mp4": _tiny}, TOLD),
    "too_deep": ({"mp4/id00001/abc/x/00001.mp4": _tiny}, TOLD),
    "no_video_folder": ({"id00001/00001.mp4": _tiny}, TOLD),
    "sound_tree": ({"aac/id00001/abc/00001.m4a": _tiny}, TOLD),
    "tracks_in_text": ({"txt/id00001/abc/00001.txt": b"FRAME X Y W H\n"}, TOLD),
    "twice": ({_UTTERANCE: _tiny, "dev/" + _UTTERANCE: _tiny, _UTTERANCE[:-3] + "mkv": _tiny}, SHORT),
    "videos_differ_by_case": ({"id00001/AbC/1.mp4": _tiny, "id00001/aBc/1.mp4": _tiny}, SHORT),
    "shell": ({"id00001/$(touch owned);`touch owned`/00001.mp4": _tiny}, SHORT),
    "option": ({"id00001/--help/-rf.mp4": _tiny}, SHORT),
    "markup": ({"id00001/<script>alert(1)<script>/00001.mp4": _tiny}, SHORT),
    "escapes": ({"id00001/a\n\x1b[31m\u202eb/\r.mp4": _tiny}, SHORT),
    "invalid_utf8": ({"id00001/a\udcff\udcfe/\udced.mp4": _tiny}, SHORT),
    "longest_names": ({f"id00001/{'v' * 255}/{'u' * 251}.mp4": _tiny}, SHORT),
    "hidden": ({"id00001/.abc/00001.mp4": _tiny, "id00001/abc/.00001.mp4": _tiny}, TOLD),
    "empty": ({}, TOLD),
    "sixty_folders_deep": (_deep, SHORT),
    "two_thousand_identities": (_many, SHORT),
}

_HDTF: dict[str, tuple[Mapping[str, Content | str] | Make, frozenset[str]]] = {
    "good": ({"RD_Anna_000.mp4": _whole}, LEGAL),
    "cut_off": ({"RD_Anna_000.mp4": _half}, REFUSED),
    "zero_bytes": ({"a/b/Anna_0.mp4": b""}, REFUSED),
    "playlist": ({"RD_Anna_000.mp4": playlist}, REFUSED),
    "link_out": ({"RD_Anna_000.mp4": link_out}, TOLD),
    "folder_out": ({"clips": folder_out}, TOLD),
    "sound_beside_leads_out": ({"RD_Anna_000.mp4": _tiny, "RD_Anna_000.wav": link_out}, SHORT),
    "sound_beside_is_a_playlist": ({"RD_Anna_000.mp4": _whole, "RD_Anna_000.wav": playlist}, REFUSED | {"no_audio"}),
    "sound_beside_is_a_pipe": ({"RD_Anna_000.mp4": _tiny, "RD_Anna_000.wav": pipe}, SHORT),
    "pipe": ({"RD_Anna_000.mp4": pipe}, TOLD),
    "twice": ({"RD_Anna_000.mp4": _tiny, "Anna_0.mp4": _tiny, "Anna_00.mkv": _tiny}, SHORT),
    "other_digits": ({"RD_Anna_٠.mp4": _tiny}, TOLD),
    "long_number": ({f"RD_Anna_{'9' * 200}.mp4": _tiny}, TOLD),
    "small_letter": ({"anna_0.mp4": _tiny}, TOLD),
    "newline_behind": ({"Anna_0\n.mp4": _tiny}, TOLD),
    "option": ({"--exec_0.mp4": _tiny}, TOLD),
    "markup": ({"<script>_0.mp4": _tiny}, TOLD),
    "escapes": ({"\x1b[31m_0.mp4": _tiny, "a\udcff_0.mp4": _tiny}, TOLD),
    "longest_name": ({f"{'A' * 249}_0.mp4": _tiny}, TOLD),
    "full_videos": ({"Anna.mp4": _tiny, "Berta.mkv": _tiny}, TOLD),
    "names_differ_by_case": ({"Anna_0.mp4": _tiny, "ANNA_0.mp4": _tiny}, SHORT),
    "digits_alone": ({"A1_0.mp4": _tiny}, SHORT),
    "empty": ({}, TOLD),
}


def _named(kind: Kind, made: Mapping[str, tuple[Mapping[str, Content | str] | Make, frozenset[str]]]) -> list[Case]:
    core = {"link_out", "playlist", "identity_leads_out", "one_of_three_broken"}
    return [
        Case(f"{kind}/{name}", tree(what) if isinstance(what, Mapping) else what, accept, kind, core=name in core)
        for name, (what, accept) in made.items()
    ]


def tree_cases() -> list[Case]:
    """All of them."""
    cases = [*_named("voxceleb2_tree", _VOXCELEB2), *_named("hdtf_tree", _HDTF)]
    kinds: tuple[tuple[Kind, str], ...] = (("voxceleb2_tree", _UTTERANCE), ("hdtf_tree", "WDA_Anna_003.mp4"))
    for kind, path in kinds:
        for mutate in MUTATIONS:
            make = tree({path: lambda target, lures, mutate=mutate: target.write_bytes(mutate(good("mp4"), 11))})
            cases.append(Case(f"{kind}/fuzz_{mutate.__name__}", make, ANY, kind, like_reference=False))
    return cases
