"""Broken tables, configurations, folders of results and archives: everything read beside the footage itself."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from broken_bytes import MUTATIONS, good
from broken_case import TOLD, Case, Lures
from broken_media import Picture, Sound, write
from broken_names import tiny

SHORT = frozenset({"too_short"})
EITHER = TOLD | SHORT
Content = bytes | Callable[[Path, Lures], object]


def _identities(content: Content) -> Callable[[Path, Lures], object]:
    def make(folder: Path, lures: Lures) -> None:
        (folder / "a.mp4").write_bytes(tiny())
        if callable(content):
            content(folder / "identities.csv", lures)
        else:
            (folder / "identities.csv").write_bytes(content)

    return make


def _identity_cases() -> list[Case]:
    head = b"file,identity\n"
    made: dict[str, tuple[Content, frozenset[str]]] = {
        "good": (head + b"a.mp4,anna\n", SHORT),
        "empty": (b"", TOLD),
        "no_header": (b"a.mp4,anna\n", TOLD),
        "one_column": (b"file\na.mp4\n", TOLD),
        "no_identity": (head + b"a.mp4,\n", TOLD),
        "short_row": (head + b"a.mp4\n", TOLD),
        "long_row": (head + b"a.mp4,anna,x,y,z\n", SHORT),
        "two_identities": (head + b"a.mp4,anna\na.mp4,berta\n", TOLD),
        "nul_bytes": (head + b"a.mp4,an\0na\n", EITHER),
        "latin_1": (head + b"a.mp4,J\xfcrgen\n", TOLD),
        "utf_16": ("file,identity\na.mp4,anna\n".encode("utf-16"), TOLD),
        "binary": (os.urandom(0) + bytes(range(256)) * 20, TOLD),
        "open_quote": (head + b'a.mp4,"anna\n' + b"x" * 200_000, EITHER),
        "huge_field": (head + b"a.mp4," + b"x" * 1_000_000 + b"\n", EITHER),
        "huge": (head + b"b.mp4,anna\n" * 6_000_000, EITHER),
        "parent_paths": (head + b"../../etc/passwd,anna\n/etc/shadow,berta\na.mp4,carla\n", SHORT),
        "markup": (head + b"a.mp4,<script>alert(1)</script>\n", SHORT),
        "formula": (head + b"a.mp4,=cmd|'calc'!A1\n", SHORT),
        "control_characters": (head + b"a.mp4,\x1b[31m\r\x07\n", EITHER),
        "pipe": (lambda path, lures: os.mkfifo(path), TOLD),
        "folder": (lambda path, lures: path.mkdir(), TOLD),
        "link_out": (lambda path, lures: path.symlink_to(lures.canary), TOLD),
        "dangling_link": (lambda path, lures: path.symlink_to("gone"), EITHER),
        "dev_zero": (lambda path, lures: path.symlink_to("/dev/zero"), TOLD),
        "loop": (lambda path, lures: path.symlink_to("identities.csv"), EITHER),
    }
    core = {"empty", "latin_1", "pipe", "link_out", "huge_field"}
    return [Case(f"identities/{k}", _identities(c), a, core=k in core) for k, (c, a) in made.items()]


def _spec(content: Content) -> Callable[[Path, Lures], object]:
    def make(folder: Path, lures: Lures) -> None:
        if callable(content):
            content(folder / "run.yaml", lures)
        else:
            (folder / "run.yaml").write_bytes(content)

    return make


def _yaml_cases() -> list[Case]:
    laughs = b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (k, k, b",".join([b"*a%d" % (k - 1)] * 10)) for k in range(1, 12)
    )
    made: dict[str, Content] = {
        "empty": b"",
        "list": b"- a\n- b\n",
        "number": b"42\n",
        "tabs": b"models:\n\t- x\n",
        "python_object": b"!!python/object/apply:os.system ['touch owned']\n",
        "python_name": b"models: !!python/name:os.system\n",
        "billion_laughs": laughs + b"models: *a11\ndataset: demo\n",
        "recursive": b"models: &a [*a]\ndataset: demo\n",
        "deep": b"[" * 50_000,
        "long_number": b"models: [static]\ndataset: demo\nseed: " + b"9" * 6000 + b"\n",
        "impossible_date": b"models: [static]\ndataset: 2001-99-99\n",
        "nan_limit": b"models: [static]\ndataset: demo\nlimit: .nan\n",
        "huge_size": b"models: [static]\ndataset: demo\nsize: 1000000000\n",
        "unknown_key": b"models: [static]\ndataset: demo\nsurprise: 1\n",
        "wrong_types": b"models: {a: 1}\ndataset: [1]\nmetrics: 7\n",
        "not_a_mode": b"models: [static]\ndataset: demo\nmode: [[1]]\n",
        "nul_in_path": b'models: [static]\ndataset: demo\ndata_root: "a\\0b"\n',
        "binary": bytes(range(256)),
        "latin_1": b"dataset: J\xfcrgen\n",
        "huge": b"a: 1\n" * 3_000_000,
        "unhashable_key": b"? [a]\n: 1\n",
        "duplicate_anchor_merge": b"<<: [1, 2]\nmodels: [static]\n",
        "pipe": lambda path, lures: os.mkfifo(path),
        "folder": lambda path, lures: path.mkdir(),
        "missing": lambda path, lures: None,
        "dev_zero": lambda path, lures: path.symlink_to("/dev/zero"),
    }
    accept = TOLD | {"loaded"}
    core = {"python_object", "billion_laughs", "long_number", "pipe"}
    return [Case(f"yaml/{k}", _spec(c), accept, kind="spec", core=k in core) for k, c in made.items()]


_HDTF = {
    "video_url": b"Anna https://www.youtube.com/watch?v=AAAAAAAAAAA\n",
    "annotion_time": b"Anna.mp4 00:01-00:09\n",
    "resolution": b"Anna.mp4 720\n",
    "crop_wh": b"Anna_0.mp4 10 300 10 300\n",
}


def _hdtf(kind: str, content: Content) -> Callable[[Path, Lures], object]:
    def make(folder: Path, lures: Lures) -> None:
        for subset in ("RD", "WDA", "WRA"):
            for name, text in _HDTF.items():
                person = {"RD": b"Anna", "WDA": b"Berta", "WRA": b"Carla"}[subset]
                (folder / f"{subset}_{name}.txt").write_bytes(text.replace(b"Anna", person))
        path = folder / f"RD_{kind}.txt"
        path.unlink()
        if callable(content):
            content(path, lures)
        else:
            path.write_bytes(content)

    return make


def _hdtf_cases() -> list[Case]:
    made: dict[str, tuple[str, Content, frozenset[str]]] = {
        "good": ("resolution", _HDTF["resolution"], frozenset({"loaded"})),
        "missing": ("video_url", lambda path, lures: None, TOLD),
        "binary": ("video_url", bytes(range(256)), TOLD),
        "other_host": ("video_url", b"Anna http://127.0.0.1/x\n", TOLD),
        "option": ("video_url", b"Anna --exec=touch\n", TOLD),
        "parent_name": ("video_url", b"../../Anna https://www.youtube.com/watch?v=AAAAAAAAAAA\n", TOLD),
        "twice": ("video_url", _HDTF["video_url"] * 2, TOLD),
        "ends_before_it_begins": ("annotion_time", b"Anna.mp4 00:09-00:01\n", TOLD),
        "no_time": ("annotion_time", b"Anna.mp4 soon\n", TOLD),
        "orphan": ("annotion_time", b"Zoe.mp4 00:01-00:09\n", TOLD),
        "negative_crop": ("crop_wh", b"Anna_0.mp4 -10 300 10 300\n", TOLD),
        "long_number": ("crop_wh", b"Anna_0.mp4 10 " + b"9" * 5000 + b" 10 300\n", TOLD),
        "other_digits": ("resolution", "Anna.mp4 ٧٢٠\n".encode(), TOLD),
        "pipe": ("resolution", lambda path, lures: os.mkfifo(path), TOLD),
        "dev_zero": ("resolution", lambda path, lures: path.symlink_to("/dev/zero"), TOLD),
        "huge": ("resolution", b"Anna.mp4 720\n" * 8_000_000, TOLD),
    }
    return [
        Case(f"hdtf_table/{k}", _hdtf(kind, c), a, kind="hdtf", core=k in {"binary", "pipe", "option"})
        for k, (kind, c, a) in made.items()
    ]


def _predicted(content: Callable[[], bytes], suffix: str = ".mp4") -> Callable[[Path, Lures], object]:
    return lambda folder, lures: (folder / f"reference{suffix}").write_bytes(content())


def _precomputed_cases() -> list[Case]:
    bad = frozenset({"decode_error", "bad_output"})
    cases = [
        Case("precomputed/zero_bytes", _predicted(lambda: b""), bad, kind="precomputed", core=True),
        Case("precomputed/text", _predicted(lambda: b"no film\n" * 99), bad, kind="precomputed"),
        Case("precomputed/other_size", _predicted(tiny), bad, kind="precomputed", core=True),
        Case("precomputed/half", _predicted(lambda: good("mp4")[: len(good("mp4")) // 2]), bad, kind="precomputed"),
        Case("precomputed/playlist", _predicted_lure, bad, kind="precomputed", core=True),
        Case("precomputed/link_out", _predicted_link, TOLD, kind="precomputed"),
        Case("precomputed/two_of_one_name", _predicted_twice, bad, kind="precomputed"),
        Case("precomputed/other_name", _predicted_other, bad, kind="precomputed"),
        Case("precomputed/50_per_second", _predicted_rate, bad, kind="precomputed"),
        Case("precomputed/too_long", _predicted_long, bad, kind="precomputed"),
        Case("precomputed/one_frame", _predicted_one, bad, kind="precomputed"),
        Case("precomputed/sound_only", _predicted_sound, bad, kind="precomputed"),
    ]
    for suffix in ("mp4", "mkv"):
        for mutate in MUTATIONS:
            make = _predicted(lambda suffix=suffix, mutate=mutate: mutate(good(suffix), 5), f".{suffix}")
            name = f"precomputed/fuzz_{suffix}_{mutate.__name__}"
            cases.append(Case(name, make, bad | {"ok"}, kind="precomputed", like_reference=False))
    return cases


def _predicted_lure(folder: Path, lures: Lures) -> None:
    (folder / "reference.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\n{lures.canary}\n#EXT-X-ENDLIST\n")


def _predicted_link(folder: Path, lures: Lures) -> None:
    (folder / "reference.mp4").symlink_to(lures.canary)


def _predicted_twice(folder: Path, lures: Lures) -> None:
    for name in ("x", "y"):
        (folder / name).mkdir()
        (folder / name / "reference.mp4").write_bytes(tiny())


def _predicted_other(folder: Path, lures: Lures) -> None:
    (folder / "some\nbody.mp4").write_bytes(tiny())


def _predicted_rate(folder: Path, lures: Lures) -> None:
    write(folder / "reference.mp4", [Picture(rate=50)])


def _predicted_long(folder: Path, lures: Lures) -> None:
    write(folder / "reference.mp4", [Picture(seconds=9)])


def _predicted_one(folder: Path, lures: Lures) -> None:
    write(folder / "reference.mp4", [Picture(times=[0.0])])


def _predicted_sound(folder: Path, lures: Lures) -> None:
    write(folder / "reference.mp4", [], [Sound()])


MEMBER = "package/weights.bin"
"""What is asked of every archive here."""
MEMBER_SIZE = 1000
_GOOD = bytes(range(250)) * 4


def _zip(entries: dict[str, bytes], change: Callable[[bytes], bytes] = lambda data: data):
    def make(folder: Path, lures: Lures) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in entries.items():
                bundle.writestr(name, content)
        (folder / "a.whl").write_bytes(change(buffer.getvalue()))

    return make


def _tar(*members: tuple[str, bytes | str, bytes], mode: str = "w:gz"):
    """Members (name, type or `b""` for a file, content or link target)."""

    def make(folder: Path, lures: Lures) -> None:
        with tarfile.open(folder / "a.tar.gz", mode) as tar:  # type: ignore[call-overload]
            for name, kind, content in members:
                info = tarfile.TarInfo(name)
                if kind:
                    info.type = kind if isinstance(kind, bytes) else kind.encode()
                    info.linkname = content.decode().replace("CANARY", str(lures.canary))
                    tar.addfile(info)
                else:
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))

    return make


def _archive_cases() -> list[Case]:
    good_end, refused = frozenset({"extracted"}), frozenset({"refused"})

    def lie(data: bytes) -> bytes:
        """The directory at the end claims 1 byte for every member."""
        start = data.index(b"PK\1\2")
        return data[: start + 24] + (1).to_bytes(4, "little") + data[start + 28 :]

    made: dict[str, tuple[Callable[[Path, Lures], object], frozenset[str]]] = {
        "zip_good": (_zip({MEMBER: _GOOD}), good_end),
        "zip_deflate_bomb": (_zip({MEMBER: bytes(200 << 20)}), refused),
        "zip_bomb_beside": (_zip({"b": bytes(200 << 20), MEMBER: _GOOD}), good_end),
        "zip_parent_names": (_zip({"../../" + MEMBER: _GOOD, "/" + MEMBER: _GOOD}), refused),
        "zip_same_name_twice": (_zip_twice, good_end | refused),
        "zip_lies_about_size": (_zip({MEMBER: _GOOD * 9}, lie), refused),
        "zip_cut_off": (_zip({MEMBER: _GOOD}, lambda data: data[:-30]), refused),
        "zip_broken_body": (_zip({MEMBER: _GOOD}, lambda data: data[:60] + b"\xff" * 40 + data[100:]), refused),
        "zip_empty": (_zip({}), refused),
        "zip_too_small": (_zip({MEMBER: b"x"}), refused),
        "tar_good": (_tar((MEMBER, b"", _GOOD)), good_end),
        "tar_link_out": (_tar((MEMBER, tarfile.SYMTYPE, b"CANARY")), refused),
        "tar_hard_link_out": (_tar((MEMBER, tarfile.LNKTYPE, b"CANARY")), refused),
        "tar_hard_link_inside": (_tar(("x", b"", _GOOD), (MEMBER, tarfile.LNKTYPE, b"x")), refused),
        "tar_device": (_tar((MEMBER, tarfile.CHRTYPE, b"")), refused),
        "tar_pipe": (_tar((MEMBER, tarfile.FIFOTYPE, b"")), refused),
        "tar_folder": (_tar((MEMBER, tarfile.DIRTYPE, b"")), refused),
        "tar_absolute": (_tar(("/" + MEMBER, b"", _GOOD)), refused),
        "tar_parent": (_tar(("../" + MEMBER, b"", _GOOD)), refused),
        "tar_bomb_member": (_tar((MEMBER, b"", bytes(200 << 20))), refused),
        "tar_bomb_before": (_tar(("x", b"", bytes(600 << 20)), (MEMBER, b"", _GOOD)), refused | good_end),
        "tar_bz2": (_tar((MEMBER, b"", _GOOD), mode="w:bz2"), good_end),
        "tar_cut_off": (_tar_cut, refused),
        "text": (lambda folder, lures: (folder / "a.whl").write_text("no archive"), refused),
        "nothing": (lambda folder, lures: (folder / "a.whl").write_bytes(b""), refused),
    }
    core = {"zip_deflate_bomb", "tar_link_out", "tar_parent", "zip_lies_about_size"}
    return [Case(f"archive/{k}", m, a, kind="archive", core=k in core) for k, (m, a) in made.items()]


def _zip_twice(folder: Path, lures: Lures) -> None:
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(folder / "a.whl", "w") as bundle:
        warnings.simplefilter("ignore")
        bundle.writestr(MEMBER, b"first")
        bundle.writestr(MEMBER, _GOOD)


def _tar_cut(folder: Path, lures: Lures) -> None:
    _tar((MEMBER, b"", os.urandom(1) * 0 + bytes(range(256)) * 400))(folder, lures)
    data = (folder / "a.tar.gz").read_bytes()
    (folder / "a.tar.gz").write_bytes(data[: len(data) // 2])


def table_cases() -> list[Case]:
    """All of them."""
    return [*_identity_cases(), *_yaml_cases(), *_hdtf_cases(), *_precomputed_cases(), *_archive_cases()]
