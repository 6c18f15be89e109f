"""Full videos that `bench data prepare hdtf` cuts: broken, hostile, and others than the metadata speak of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from broken_bytes import MUTATIONS, good
from broken_case import REFUSED, Case, Lures
from broken_media import Picture, Sound, write
from broken_names import tiny
from broken_trees import folder_out, link_out, no_end, pipe, playlist

OK = frozenset({"ok"})
MISSING = frozenset({"video_missing"})
NAME = "RD_Anna_000.mp4"
"""Of the clip that each case should become."""
_SUBSETS = ("RD", "WDA", "WRA")
_ROWS = {
    "video_url": "Anna https://www.youtube.com/watch?v=AAAAAAAAAAA\n",
    "annotion_time": "Anna.mp4 {time}\n",
    "resolution": "Anna.mp4 {resolution}\n",
    "crop_wh": "Anna_0.mp4 {crop}\n",
}


def _put(
    path: str,
    content: bytes | Callable[[Path, Lures], object],
    *,
    time: str = "00:00-00:01",
    resolution: str = "200",
    crop: str = "20 160 10 160",
) -> Callable[[Path, Lures], object]:
    """A full video at `path`, and metadata with one interval of it."""

    def make(folder: Path, lures: Lures) -> None:
        metadata = folder / "metadata"
        metadata.mkdir()
        for kind, row in _ROWS.items():
            text = row.format(time=time, resolution=resolution, crop=crop)
            for subset in _SUBSETS:
                (metadata / f"{subset}_{kind}.txt").write_text(text if subset == "RD" else "")
        target = folder / "videos" / path
        target.parent.mkdir(parents=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            content(target, lures)

    return make


def _film(*streams: Picture | Sound) -> Callable[[Path, Lures], object]:
    pictures = [stream for stream in streams if isinstance(stream, Picture)]
    sounds = [stream for stream in streams if isinstance(stream, Sound)]
    return lambda path, lures: write(path, pictures, sounds)


def _beside(content: Callable[[Path, Lures], object]) -> Callable[[Path, Lures], object]:
    def make(path: Path, lures: Lures) -> None:
        write(path, [Picture()], [])
        content(path.with_suffix(".wav"), lures)

    return make


def _both_outside(path: Path, lures: Lures) -> None:
    link_out(path, lures)
    link_out(path.with_suffix(".wav"), lures)


def cut_cases() -> list[Case]:
    """All of them."""
    film = good("mp4")
    made: dict[str, tuple[Callable[[Path, Lures], object], frozenset[str]]] = {
        "good": (_put("Anna.mp4", film), OK),
        "with_subset": (_put("sub/folder/RD_Anna.f137.mp4", film), OK),
        "cut_off": (_put("Anna.mp4", film[: len(film) // 2]), REFUSED),
        "zero_bytes": (_put("Anna.mp4", b""), REFUSED),
        "error_page": (_put("Anna.webm", b"<html>Sign in to confirm</html>"), REFUSED),
        "download_in_progress": (_put("Anna.mp4.part", film[:9999]), MISSING),
        "playlist": (_put("Anna.mp4", playlist), REFUSED),
        "link_out": (_put("Anna.mp4", link_out), MISSING),
        "link_out_with_sound": (_put("Anna.mp4", _both_outside), MISSING),
        "folder_out": (_put("Anna", folder_out), MISSING),
        "pipe": (_put("Anna.mp4", pipe), MISSING),
        "dev_zero": (_put("Anna.mp4", no_end), MISSING),
        "folder": (_put("Anna.mp4", lambda path, lures: path.mkdir()), MISSING),
        "only_hidden": (_put(".Anna.mp4", film), MISSING),
        "no_sound": (_put("Anna.mp4", _film(Picture())), frozenset({"no_audio"})),
        "no_picture": (_put("Anna.mp4", _film(Sound())), REFUSED),
        "sound_beside_leads_out": (_put("Anna.mp4", _beside(link_out)), frozenset({"no_audio"})),
        "sound_beside_is_a_playlist": (_put("Anna.mp4", _beside(playlist)), REFUSED | {"no_audio"}),
        "begins_after_the_end": (_put("Anna.mp4", film, time="59:00-59:01"), REFUSED),
        "ends_early": (_put("Anna.mp4", film, time="00:01-00:09"), frozenset({"truncated"})),
        "hundred_hours": (_put("Anna.mp4", film, time="00:00-99:59:59"), frozenset({"truncated"})),
        "crop_beyond_the_right": (_put("Anna.mp4", film, crop="200 160 10 160"), frozenset({"crop_outside"})),
        "crop_beyond_the_bottom": (_put("Anna.mp4", film, crop="0 300 0 300"), frozenset({"crop_outside"})),
        "crop_of_one_pixel": (_put("Anna.mp4", film, crop="5 1 5 1"), OK),
        "crop_of_no_pixel_here": (
            _put("Anna.mp4", film, resolution="99999", crop="5 1 5 1"),
            frozenset({"crop_outside"}),
        ),
        "one_pixel": (_put("Anna.mp4", _film(Picture("ffv1", "gray", size=(1, 1)), Sound("flac"))), ANY_CUT),
        "other_aspect": (
            _put("Anna.mp4", tiny(), crop="20 160 10 160"),
            frozenset({"truncated", "ok", "crop_outside"}),
        ),
        "upside_down": (_put("Anna.mp4", _film(Picture(rotation=90.0), Sound())), ANY_CUT),
        "fast": (_put("Anna.mp4", _film(Picture(rate=120), Sound())), OK),
        "late_sound": (_put("Anna.mkv", _film(Picture(), Sound(at=1.4))), OK | {"no_audio"}),
    }
    core = {"good", "playlist", "link_out", "sound_beside_leads_out"}
    cases = [
        Case(f"hdtf_cut/{name}", make, accept, "hdtf_cut", core=name in core) for name, (make, accept) in made.items()
    ]
    for suffix in ("mp4", "mkv"):
        for mutate in MUTATIONS:
            make = _put(f"Anna.{suffix}", mutate(good(suffix), 13))
            cases.append(Case(f"hdtf_cut/fuzz_{suffix}_{mutate.__name__}", make, ANY_CUT, "hdtf_cut"))
    return cases


ANY_CUT = frozenset({"ok", "truncated", "decode_error", "no_audio", "crop_outside"})
