"""A lip-sync program as repositories have them, which misbehaves as it is told to: `--trait NAME`.

It knows only its arguments and its working directory. What is heavy is imported late: many traits never get there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def read(path: str) -> np.ndarray:
    import av
    import numpy as np

    with av.open(path) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def write(path: Path, frames: np.ndarray, rate: float = 25, sound: bool = True) -> None:
    import av
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000), options={"crf": "12"})
        video.height, video.width, video.pix_fmt = *frames.shape[1:3], "yuv444p"
        audio = file.add_stream("aac", rate=16000, layout="mono") if sound else None
        for picture in frames:
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        file.mux(video.encode(None))
        if audio is not None:
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
            samples.sample_rate = 16000
            file.mux([*audio.encode(samples), *audio.encode(None)])


def talk(frames: np.ndarray) -> np.ndarray:
    """The lower half gets darker; the upper stays as it is."""
    spoken = frames.copy()
    spoken[:, frames.shape[1] // 2 :] //= 2
    return spoken


def silent(given: argparse.Namespace) -> None:
    print("Error occurred during processing: list index out of range")
    sys.exit(0)


def crash(given: argparse.Namespace) -> None:
    raise ValueError("Face not detected! Ensure the video contains a face in all the frames.")


def segfault(given: argparse.Namespace) -> None:
    os.kill(os.getpid(), 11)


def hang(given: argparse.Namespace) -> None:
    print("Reading video frames...")
    time.sleep(60)


def huge(given: argparse.Namespace) -> None:
    Path("temp").mkdir(exist_ok=True)
    for number in range(10_000):
        Path(f"temp/{number}.raw").write_bytes(bytes(1_000_000))
        print("x" * 1000)


def daemon(given: argparse.Namespace) -> None:
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    started = subprocess.Popen(sleeper, start_new_session=True, env={})  # noqa: S603
    Path(given.note, f"{time.time_ns()}.pid").write_text(str(started.pid))


def overwrites(given: argparse.Namespace) -> None:
    Path("checkpoints/talker.pth").write_bytes(b"trained further")


BEFORE = {f.__name__: f for f in (silent, crash, segfault, hang, huge, daemon, overwrites)}


def cached(frames: np.ndarray) -> np.ndarray:
    """A cache keyed by the file's name, as some have: the next clip of that name would get this one's frames."""
    import numpy as np

    cache = Path("temp/clip.npy")
    cache.parent.mkdir(exist_ok=True)
    if cache.exists():
        frames = np.load(cache)
    np.save(cache, frames)
    Path("config.txt").write_text("changed")
    return frames


def late(frames: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.concatenate([frames[:1].repeat(3, axis=0), frames[:-3]])


def wide(frames: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.concatenate([np.zeros_like(frames), frames], axis=2)


CHANGES = {
    "litter": cached,
    "dropped": lambda frames: frames[: len(frames) - 12],
    "skips": lambda frames: frames[[index for index in range(len(frames)) if not 8 <= index < 11]],
    "late": late,
    "wide": wide,
    "fast": lambda frames: frames[[min((4 * i + 5) // 10, len(frames) - 1) for i in range(int(len(frames) * 2.5))]],
    "small": lambda frames: frames[:, ::2, ::2],
}


def linked(out: Path, frames: np.ndarray) -> None:
    write(Path("elsewhere/real.mp4"), frames)
    out.symlink_to(Path("elsewhere/real.mp4").absolute())


def twice(out: Path, frames: np.ndarray) -> None:
    write(out, frames)
    write(out.with_name("another.mp4"), frames)


WRITERS = {
    "garbage": lambda out, frames: out.write_bytes(b"not a video" * 1000),
    "empty": lambda out, frames: out.write_bytes(b""),
    "link": linked,
    "twice": twice,
    "mute": lambda out, frames: write(out, frames, sound=False),
    "fast": lambda out, frames: write(out, frames, rate=62.5),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("face", "audio", "outfile", "trait"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--note", default="")
    given = parser.parse_args()
    print("Using cpu for inference.")
    assert len(given.face.split(".")) == 2, "takes names apart at dots"
    assert Path("checkpoints/talker.pth").read_bytes() == b"weights", "weights are where it looks for them"
    BEFORE.get(given.trait, lambda given: None)(given)
    frames = CHANGES.get(given.trait, lambda frames: frames)(talk(read(given.face)))
    WRITERS.get(given.trait, write)(Path(given.outfile), frames)
    if given.trait == "slow":
        time.sleep(1.0)
    print("Done.")


if __name__ == "__main__":
    main()
