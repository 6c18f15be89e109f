"""Files that name other files or addresses, hoping that whoever reads them follows: nothing may."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from broken_case import LEGAL, REFUSED, TOLD, Case, Lures
from broken_media import Picture, Sound, write
from broken_shapes import plain_mp4
from mp4_boxes import replace_box

_HLS = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:10\n{extra}#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n"
_MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S" minBufferTime="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000">'
    "<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
_SDP = "v=0\no=- 0 0 IN IP4 {host}\ns=x\nc=IN IP4 {host}\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
_CPL = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
    "<Id>urn:uuid:00000000-0000-0000-0000-000000000000</Id><EditRate>25 1</EditRate><SegmentList><Segment>"
    "<SequenceList><Resource><TrackFileId>{url}</TrackFileId></Resource></SequenceList></Segment></SegmentList>"
    "</CompositionPlaylist>"
)
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">'
    '<image xlink:href="{url}" width="99" height="99"/></svg>'
)
_ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><MPD>&e;</MPD>'
_ASX = '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'
_SMIL = '<smil><body><video src="{url}"/></body></smil>'


def _text(suffix: str, text: str, target: Callable[[Lures], str]) -> Callable[[Path, Lures], None]:
    def make(folder: Path, lures: Lures) -> None:
        host, port = lures.address.split(":")
        content = text.replace("{url}", target(lures)).replace("{host}", host).replace("{port}", port)
        (folder / f"a{suffix}").write_text(content.replace("{extra}", ""), encoding="utf-8")

    return make


def _local(lures: Lures) -> str:
    return str(lures.canary)


def _file_url(lures: Lures) -> str:
    return f"file://{lures.canary}"


def _remote(lures: Lures) -> str:
    return f"http://{lures.address}/canary.ts"


def _playlists() -> list[Case]:
    keyed = _HLS.replace("{extra}", '#EXT-X-KEY:METHOD=AES-128,URI="http://{host}:{port}/key"\n')
    mapped = _HLS.replace("{extra}", '#EXT-X-MAP:URI="{url}"\n')
    concat = "ffconcat version 1.0\nfile '{url}'\n"
    made: list[tuple[str, str, Callable[[Lures], str]]] = [
        ("hls_local", _HLS, _local),
        ("hls_file_url", _HLS, _file_url),
        ("hls_http", _HLS, _remote),
        ("hls_key", keyed, _local),
        ("hls_map", mapped, _remote),
        ("hls_relative", _HLS, lambda lures: f"../../{lures.canary.parent.name}/{lures.canary.name}"),
        ("hls_subfile", _HLS, lambda lures: f"subfile,,start,0,end,0,,:{lures.canary}"),
        ("hls_concat", _HLS, lambda lures: f"concat:{lures.canary}|{lures.canary}"),
        ("hls_crypto", _HLS, lambda lures: f"crypto:{lures.canary}"),
        ("hls_data", _HLS, lambda lures: "data:video/mp2t;base64,R0AR"),
        ("hls_pipe", _HLS, lambda lures: "pipe:0"),
        ("hls_ftp", _HLS, lambda lures: f"ftp://{lures.address}/x.ts"),
        ("hls_rtmp", _HLS, lambda lures: f"rtmp://{lures.address}/x"),
        ("hls_etc_passwd", _HLS, lambda lures: "file:///etc/passwd"),
        ("concat_local", concat, _local),
        ("concat_http", concat, _remote),
        ("dash_local", _MPD, _file_url),
        ("dash_http", _MPD, _remote),
        ("sdp", _SDP, _remote),
        ("imf", _CPL, _local),
        ("svg_local", _SVG, _file_url),
        ("svg_http", _SVG, _remote),
        ("xml_entity", _ENTITY, _file_url),
        ("asx", _ASX, _remote),
        ("smil", _SMIL, _remote),
        ("quicktime_text", "RTSPtext\nrtsp://{host}:{port}/x\n", _remote),
        ("real_media", "rtsp://{host}:{port}/x.rm\n", _remote),
        ("pls", "[playlist]\nFile1={url}\nNumberOfEntries=1\n", _remote),
        ("m3u", "#EXTM3U\n#EXTINF:2,a\n{url}\n", _local),
        ("xspf", "<playlist><trackList><track><location>{url}</location></track></trackList></playlist>", _remote),
        ("avisynth", 'DirectShowSource("{url}")\n', _local),
        (
            "vobsub",
            "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n"
            "timestamp: 00:00:01:000, filepos: 000000000\n",
            _local,
        ),
        ("ffmetadata", ";FFMETADATA1\ntitle={url}\n", _local),
        ("ass", "[Script Info]\nScriptType: v4.00+\n[Events]\n", _local),
        ("movie_filter", "movie={url}", _local),
    ]
    core = {"hls_local", "hls_http", "concat_local", "dash_http", "sdp", "svg_local", "imf"}
    cases = [Case(f"lure/{name}_as_mp4", _text(".mp4", text, target), core=name in core) for name, text, target in made]
    for suffix, name in (
        (".ts", "hls_local"),
        (".mkv", "concat_local"),
        (".wmv", "asx"),
        (".vob", "vobsub"),
        (".mov", "quicktime_text"),
    ):
        text, target = next((text, target) for known, text, target in made if known == name)
        cases.append(Case(f"lure/{name}_as_{suffix[1:]}", _text(suffix, text, target)))
    return cases


def _dref(kind: bytes, body: Callable[[Lures], bytes]) -> Callable[[Path, Lures], None]:
    """A QuickTime file whose pictures lie in another file."""

    def make(folder: Path, lures: Lures) -> None:
        entry = body(lures)
        box = struct.pack(">II", 0, 1) + struct.pack(">I", 12 + len(entry)) + kind + b"\0\0\0\0" + entry
        data = replace_box(plain_mp4(), ["moov", "trak", "mdia", "minf", "dinf", "dref"], b"dref", box)
        start = data.index(b"mdat")
        # Nothing of its own is left to show.
        (folder / "a.mov").write_bytes(
            data[: start + 4] + bytes(data.index(b"moov") - start - 8) + data[data.index(b"moov") - 4 :]
        )

    return make


def _alias(lures: Lures) -> bytes:
    path = str(lures.canary).encode()
    head = bytes(4 + 2) + struct.pack(">HH", 150 + len(path), 2) + bytes(140)
    return head + struct.pack(">HH", 18, len(path)) + path + b"\xff\xff\0\0"


def _reference_movie(folder: Path, lures: Lures) -> None:
    url = _remote(lures).encode() + b"\0"
    rdrf = struct.pack(">I", 20 + len(url)) + b"rdrf" + bytes(4) + b"url " + struct.pack(">I", len(url)) + url
    rmda = struct.pack(">I", 8 + len(rdrf)) + b"rmda" + rdrf
    rmra = struct.pack(">I", 8 + len(rmda)) + b"rmra" + rmda
    moov = struct.pack(">I", 8 + len(rmra)) + b"moov" + rmra
    (folder / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + moov)


def _gab2(folder: Path, lures: Lures) -> None:
    """An AVI whose subtitles are a playlist: FFmpeg once opened what such subtitles name."""
    inner = _HLS.replace("{extra}", "").replace("{url}", str(lures.canary)).encode()
    packet = b"GAB2\0\2\0" + struct.pack("<I", 2) + b"x\0" + struct.pack("<HI", 4, len(inner)) + inner
    chunk = b"00tx" + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    strh = b"txts" + bytes(4 + 4 + 4 + 4) + struct.pack("<IIII", 1, 25, 0, 50) + bytes(16)
    strl = (
        b"LIST"
        + struct.pack("<I", 4 + 8 + len(strh) + 8)
        + b"strlstrh"
        + struct.pack("<I", len(strh))
        + strh
        + b"strf\0\0\0\0"
    )
    avih = struct.pack("<14I", 40000, 0, 0, 0x10, 50, 0, 1, 0, 64, 48, 0, 0, 0, 0)
    hdrl = b"hdrlavih" + struct.pack("<I", len(avih)) + avih + strl
    movi = b"movi" + chunk
    body = b"AVI LIST" + struct.pack("<I", len(hdrl)) + hdrl + b"LIST" + struct.pack("<I", len(movi)) + movi
    (folder / "a.avi").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def _segment_link(folder: Path, lures: Lures) -> None:
    """A Matroska file that says it goes on in a file beside it and in the canary."""
    write(folder / "a.mkv", [Picture()], [Sound("flac")])
    data = (folder / "a.mkv").read_bytes()
    name = str(lures.canary).encode()
    link = b"\x3e\x83\xbb" + bytes([0x40 | (len(name) >> 8), len(name) & 255]) + name  # NextFilename
    info = data.index(b"\x15\x49\xa9\x66")
    # FFmpeg leaves room behind the seek head; the element is put into the Info's own void by overwriting its titles.
    (folder / "a.mkv").write_bytes(data[:info] + data[info:].replace(b"\xec", b"\xec", 1) + link)


def _image_pattern(folder: Path, lures: Lures) -> None:
    import cv2
    import numpy as np

    for k in range(3):
        cv2.imwrite(str(folder / f"p{k}.jpg"), np.full((48, 64, 3), 99, np.uint8))
    (folder / "p%d.mp4").write_bytes((folder / "p0.jpg").read_bytes())


def _linked(target: Callable[[Path, Lures], str | Path], name: str = "a.mp4") -> Callable[[Path, Lures], None]:
    def make(folder: Path, lures: Lures) -> None:
        (folder / name).symlink_to(target(folder, lures))

    return make


def _pipe(folder: Path, lures: Lures) -> None:
    os.mkfifo(folder / "a.mp4")


def _socket(folder: Path, lures: Lures) -> None:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path may have 108 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("a.mp4")
    finally:
        os.chdir(here)


def _folder(folder: Path, lures: Lures) -> None:
    (folder / "a.mp4").mkdir()


def _beside_link(folder: Path, lures: Lures) -> None:
    write(folder / "a.mp4", [Picture()], [])
    (folder / "a.wav").symlink_to(lures.canary)


def _links() -> list[Case]:
    return [
        Case("link/to_a_file_outside", _linked(lambda folder, lures: lures.canary), TOLD, core=True),
        Case("link/to_a_folder_outside", _linked(lambda folder, lures: lures.canary.parent, "sub"), TOLD),
        Case("link/relative_and_out", _linked(lambda folder, lures: os.path.relpath(lures.canary, folder)), TOLD),
        Case("link/loop", _linked(lambda folder, lures: "a.mp4"), TOLD),
        Case("link/folder_loop", _linked(lambda folder, lures: ".", "sub"), TOLD),
        Case("link/dangling", _linked(lambda folder, lures: "gone.mp4"), TOLD),
        Case("link/dev_zero", _linked(lambda folder, lures: "/dev/zero"), TOLD, core=True),
        Case("link/dev_stdin", _linked(lambda folder, lures: "/dev/stdin"), TOLD),
        Case("link/proc_self_mem", _linked(lambda folder, lures: "/proc/self/mem"), TOLD),
        Case("link/etc_passwd", _linked(lambda folder, lures: "/etc/passwd"), TOLD),
        Case("link/named_pipe", _pipe, TOLD, core=True),
        Case("link/socket", _socket, TOLD),
        Case("link/folder_named_mp4", _folder, TOLD),
        Case("link/sound_beside_leads_out", _beside_link, frozenset({"no_audio"}), core=True),
    ]


def lure_cases() -> list[Case]:
    """All of them."""
    url = lambda lures: f"file://{lures.canary}\0".encode()  # noqa: E731
    return [
        *_playlists(),
        Case("lure/mov_data_reference_url", _dref(b"url ", url), core=True),
        Case("lure/mov_data_reference_http", _dref(b"url ", lambda lures: _remote(lures).encode() + b"\0")),
        Case("lure/mov_data_reference_alias", _dref(b"alis", _alias)),
        Case("lure/mov_reference_movie", _reference_movie),
        Case("lure/avi_subtitles_are_a_playlist", _gab2, core=True),
        Case("lure/mkv_next_file", _segment_link, LEGAL),
        Case("lure/picture_pattern", _image_pattern, frozenset({"decode_error", "no_audio"})),
        *_links(),
    ]


__all__ = ["REFUSED", "lure_cases"]
