"""Stands in for any of the described repositories: its options, its file names, its length, its panels. No network.

Copied into a pretended clone beside `program.json`, which says whose options and habits it has. Options that the real
program does not know end it with 2, as argparse does; files that it would load must exist.
"""

import argparse
import csv
import json
import sys
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

ONE, FLAG = 1, 0


def main() -> None:
    root = next(folder for folder in (Path(), Path("..")) if (folder / "program.json").exists())
    program = json.loads((root / "program.json").read_text())[Path(sys.argv[0]).name]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name, count in program["options"].items():
        if count == FLAG:
            parser.add_argument(name, action="store_true")
        else:
            parser.add_argument(name, nargs=None if count == ONE else count)
    asked = vars(parser.parse_args())
    for name in program.get("loads", []):
        given = asked.get(name.lstrip("-"), name) if name.startswith("--") else name
        assert Path(given).exists(), f"{given} is not there"
    for name in program.get("needs", []):
        assert asked[name] is not None, f"--{name} is required"
    HABITS[program["habit"]](program, asked)


def edit(program: dict, asked: dict) -> None:
    """A program that repaints the lower half of every frame, and may lose a few at the end."""
    frames, rate = read_video(asked[program["video"]])
    assert rate == 25, rate
    samples = read_audio(asked[program["audio"]])
    if "landmarks" in program:
        check_openface(asked[program["landmarks"]], len(frames))
    count = min(len(frames), len(samples) // 640) - program.get("loses", 0)
    made = repaint(frames[:count])
    if program.get("sketch"):
        made = np.concatenate([np.zeros_like(made), made], axis=2)
    write_video(named(program, asked), made, 25, samples)


def tasks(program: dict, asked: dict) -> None:
    """MuseTalk: what to do stands in a YAML file; failures are printed, the exit status is 0 all the same."""
    import yaml

    for task in yaml.safe_load(Path(asked["inference_config"]).read_text()).values():
        try:
            video, audio = Path(task["video_path"]), Path(task["audio_path"])
            frames, _ = read_video(video)
            path = Path(asked["result_dir"]) / asked["version"] / f"{video.stem}_{audio.stem}.mp4"
            write_video(path, repaint(frames), 25, read_audio(audio))
        except Exception as error:
            print("Error occurred during processing:", error)


def animate(program: dict, asked: dict) -> None:
    """A program that starts from one picture and moves it as it likes."""
    picture = cv2.imread(str(Path(program.get("below", ".")) / asked[program["picture"]]))
    assert picture is not None
    audio = Path(program["speech"]) if "speech" in program else Path(asked[program["audio"]])
    samples = read_audio(audio)
    rate = Fraction(program.get("rate", "25"))
    side = program["side"]
    if program.get("cuts"):  # its own cut of the picture
        height, width = picture.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 4, 1.15 * side / width)
        turn[:, 2] += side / 2 - width / 2
        picture = cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    else:
        assert picture.shape[:2] == (side, side), picture.shape
    count = int(len(samples) / 16000 * rate) - program.get("loses", 0)
    light = 1 + 0.02 * np.sin(np.arange(count) / 3)
    made = np.clip(picture[None, ..., ::-1] * light[:, None, None, None], 0, 255).astype(np.uint8)
    if program.get("panels") == 3:
        made = np.concatenate([np.zeros_like(made), made, np.full_like(made, 255)], axis=2)
    write_video(named(program, asked), made, rate, samples if program.get("sound", True) else None)


def pcavs_list(program: dict, asked: dict) -> None:
    poses = sorted(Path(asked["src_pose_path"]).glob("*.jpg"))
    fields = [
        asked["src_input_path"],
        1,
        asked["src_pose_path"],
        len(poses),
        asked["src_audio_path"],
        "None",
        0,
        "None",
    ]
    with Path(asked["csv_path"]).open("w", newline="") as file:
        csv.writer(file, delimiter=" ").writerow(fields)


def pcavs(program: dict, asked: dict) -> None:
    """Frames 2 to n-3 of the poses' second crop as JPEG; a line that fails is passed over in silence."""
    for line in Path(asked["meta_path_vox"]).read_text().splitlines():
        face, _, pose, count, audio, *_ = line.split(" ")
        try:
            assert len(list(Path(face).iterdir())) == 1
            read_audio(audio)
            names = [Path(pose).name, Path(face).name, Path(audio).stem]
            folder = Path("results") / "id_{1}_pose_{0}_audio_{2}".format(*names) / "G_Pose_Driven_"
            folder.mkdir(parents=True)
            for index in range(2, int(count) - 2):
                picture = cv2.imread(f"{pose}/{index:06d}.jpg")
                assert picture.shape == (224, 224, 3)
                seen = cv2.resize(picture[:192, 16:208], (224, 224))
                cv2.imwrite(str(folder / f"{index - 2:06d}.jpg"), repaint(seen[None])[0])
        except Exception:  # noqa: S112 - as theirs does
            continue


def stylelipsync(program: dict, asked: dict) -> None:
    folder = Path("data") / asked["person"]
    pictures, masks = (sorted((folder / part).glob("*.jpg")) for part in ("frame", "mask"))
    assert len(pictures) == len(masks) > 0
    made = []
    for picture, mask in zip(pictures, masks):  # noqa: B905 - their Python is 3.8
        frame, white = cv2.imread(str(picture))[..., ::-1], cv2.imread(str(mask))
        assert frame.shape == white.shape == (256, 256, 3)
        made.append(np.where(white > 127, 255 - frame, frame))
    path = Path(asked["res_dir"]) / f"{asked['person']}#{Path(asked['audio_path']).stem}.mp4"
    write_video(path, np.stack(made), 25, read_audio(asked["audio_path"]))


def named(program: dict, asked: dict) -> Path:
    """Where the program writes: a pattern of its options and of the stems of the files that they name."""
    words = {key: value for key, value in asked.items() if isinstance(value, str)}
    words.update({f"{key}_stem": Path(value).stem for key, value in words.items()})
    return Path(program["writes"].format(**words))


def repaint(frames: np.ndarray) -> np.ndarray:
    made = frames.copy()
    start = int(frames.shape[1] * 0.6)
    made[:, start:] = 255 - made[:, start:]
    return made


def read_video(path: str) -> tuple:
    assert len(str(path).split(".")) == 2, "a name with other dots would be taken apart wrongly"
    with av.open(str(path)) as file:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
        return frames, file.streams.video[0].average_rate


def read_audio(path: str) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def check_openface(path: str, count: int) -> None:
    rows = list(csv.reader(Path(path).read_text().splitlines()))[1:]
    assert [int(float(row[0])) for row in rows] == list(range(1, count + 1))
    assert all(len(row) >= 5 + 2 * 68 for row in rows)


def write_video(path: Path, frames: np.ndarray, rate: Fraction, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "ultrafast"})
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        if samples is not None:
            sound = file.add_stream("aac", rate=16000, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples[None].copy(), format="s16", layout="mono")
            frame.sample_rate = 16000
            file.mux(sound.encode(frame))
            file.mux(sound.encode(None))
        for picture in frames:
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        file.mux(video.encode(None))


HABITS = {
    "edit": edit,
    "tasks": tasks,
    "animate": animate,
    "pcavs-list": pcavs_list,
    "pcavs": pcavs,
    "stylelipsync": stylelipsync,
}

if __name__ == "__main__":
    main()
