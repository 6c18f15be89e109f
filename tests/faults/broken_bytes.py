"""Files that are something else, cut-off files, and files with damaged bytes."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from broken_case import ANY, REFUSED, Case, Lures
from broken_media import Picture, Sound, write

_CONTAINERS: dict[str, tuple[Picture, Sound]] = {
    "mp4": (Picture(), Sound()),
    "mkv": (Picture("ffv1", "yuv420p"), Sound("flac")),
    "avi": (Picture("mpeg4"), Sound("pcm_s16le", 16000)),
    "ts": (Picture("mpeg2video"), Sound("mp2")),
    "webm": (Picture("libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime"}), Sound("libopus")),
    "mov": (Picture("mjpeg", "yuvj420p"), Sound("pcm_s16le", 16000)),
    "flv": (Picture("flv"), Sound("libmp3lame", 44100)),
}


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # the same damage every time is the point


@cache
def good(suffix: str) -> bytes:
    """A good file with this suffix."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        picture, sound = _CONTAINERS[suffix]
        return write(Path(folder) / f"a.{suffix}", [picture], [sound]).read_bytes()


def _zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a.mp4", bytes(1 << 20))
    return buffer.getvalue()


def _png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(65 * 48)))
        + chunk(b"IEND", b"")
    )


_OTHER: dict[str, Callable[[], bytes]] = {
    "zero_bytes": lambda: b"",
    "one_byte": lambda: b"\0",
    "zeros": lambda: bytes(100_000),
    "ones": lambda: b"\xff" * 100_000,
    "noise": lambda: _dice(1).randbytes(100_000),
    "text": lambda: b"This is not a film.\n" * 500,
    "html": lambda: b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n" * 20,
    "json": lambda: b'{"error": "quota exceeded"}',
    "pdf": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n" * 30,
    "zip": _zip,
    "gzip": lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zlib.compress(bytes(99999)),
    "png": _png,
    "jpeg_head": lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(400),
    "elf": lambda: Path("/bin/true").read_bytes()[:50_000] if Path("/bin/true").exists() else b"\x7fELF" + bytes(999),
    "windows_program": lambda: b"MZ\x90\0" + bytes(60) + b"PE\0\0" + bytes(5000),
    "shell_script": lambda: b"#!/bin/sh\ntouch owned\n",
    "python": lambda: b"import os; os.system('touch owned')\n",
    "pickle": lambda: b"cos\nsystem\n(S'touch owned'\ntR.",
    "parquet": lambda: b"PAR1" + bytes(500) + b"PAR1",
    "git_lfs_pointer": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "only_ftyp": lambda: good("mp4")[:32],
    "only_riff": lambda: b"RIFF\xff\xff\xff\xffAVI ",
    "only_ebml": lambda: b"\x1aE\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff",
    "bom_text": lambda: b"\xff\xfe" + "kein Film".encode("utf-16-le") * 99,
    "subtitles": lambda: b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n",
    "midi": lambda: b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0",
    "raw_frames": lambda: b"YUV4MPEG2 W64 H48 F25:1 Ip C420jpeg\n" + (b"FRAME\n" + bytes(64 * 72)) * 50,
}


def _put(name: str, content: Callable[[], bytes]) -> Callable[[Path, Lures], object]:
    return lambda folder, lures: (folder / name).write_bytes(content())


def other_cases() -> list[Case]:
    """Something else under the name of a video."""
    core = {"zero_bytes", "text", "zip", "png", "pdf", "elf", "html", "noise"}
    suffixes = (".mp4", ".mkv", ".avi", ".mov")
    return [
        Case(f"other/{name}", _put(f"a{suffixes[number % 4]}", content), REFUSED | {"no_audio"}, core=name in core)
        for number, (name, content) in enumerate(_OTHER.items())
    ]


def truncated_cases() -> list[Case]:
    """Good files that end early."""
    shares = (0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999)
    return [
        Case(
            f"truncated/{suffix}_{share:g}",
            _put(
                f"a.{suffix}", lambda suffix=suffix, share=share: good(suffix)[: max(1, int(len(good(suffix)) * share))]
            ),
            ANY,
            like_reference=False,
            core=(suffix, share) in {("mp4", 0.5), ("mkv", 0.3), ("ts", 0.7), ("avi", 0.02)},
        )
        for suffix in _CONTAINERS
        for share in shares
    ]


def flipped(data: bytes, seed: int) -> bytes:
    """Single bits turned over, one in some thousand bytes."""
    rng, changed = _dice(seed), bytearray(data)
    for _ in range(max(3, len(data) // 3000)):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def header_flipped(data: bytes, seed: int) -> bytes:
    """Damage in the first and the last 2 KiB, where most containers keep what everything else hangs on."""
    rng, changed = _dice(seed), bytearray(data)
    for _ in range(12):
        place = rng.randrange(min(2048, len(data)))
        changed[place if rng.random() < 0.5 else len(data) - 1 - place] = rng.choice(
            (0, 255, 128, 127, rng.randrange(256))
        )
    return bytes(changed)


def swapped(data: bytes, seed: int) -> bytes:
    """Blocks of 512 bytes in each other's place."""
    rng = _dice(seed)
    blocks = [data[k : k + 512] for k in range(0, len(data), 512)]
    for _ in range(max(1, len(blocks) // 20)):
        one, two = rng.randrange(len(blocks)), rng.randrange(len(blocks))
        blocks[one], blocks[two] = blocks[two], blocks[one]
    return b"".join(blocks)


def cut_out(data: bytes, seed: int) -> bytes:
    """A stretch missing from the middle."""
    rng = _dice(seed)
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 1 + len(data) // 8) :]


def repeated(data: bytes, seed: int) -> bytes:
    """The beginning once more, somewhere inside."""
    rng = _dice(seed)
    length, place = rng.randrange(16, 4096), rng.randrange(len(data))
    return data[:place] + data[:length] + data[place:]


def blanked(data: bytes, seed: int) -> bytes:
    """A stretch of zeros, as a bad sector or a sparse copy leaves."""
    rng = _dice(seed)
    start, length = rng.randrange(len(data)), rng.randrange(1, 1 + len(data) // 10)
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


MUTATIONS = (flipped, header_flipped, swapped, cut_out, repeated, blanked)


def fuzz_cases(clips: list[Path], seeds: int) -> list[Case]:
    """Damaged copies: `seeds` of each way for every container made here, and two of each for every clip of `clips`."""
    sources: list[tuple[str, str, Callable[[], bytes], int]] = [
        (suffix, f".{suffix}", lambda suffix=suffix: good(suffix), seeds) for suffix in _CONTAINERS
    ]
    sources += [(clip.stem, clip.suffix, lambda clip=clip: clip.read_bytes(), 2) for clip in clips]
    return [
        Case(
            f"fuzz/{name}_{mutate.__name__}_{seed}",
            _put(f"a{suffix}", lambda read=read, mutate=mutate, seed=seed: mutate(read(), seed)),
            ANY,
            like_reference=False,
            core=seed == 0 and (number + place) % 6 == 0,
        )
        for number, (name, suffix, read, count) in enumerate(sources)
        for place, mutate in enumerate(MUTATIONS)
        for seed in range(count)
    ]
