"""Whole dubs of a small video, with a model that paints what it may paint, and with a real StyleLipSync."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import media_files
import numpy as np
import pytest
from media_files import break_packets
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import AdaptRequest, GenerateContext, ModelCard
from bench_lipsync.harness.dubbing.footage import read_footage
from bench_lipsync.harness.dubbing.generated_crops import generated_crops
from bench_lipsync.harness.dubbing.looped_clip import LoopedClip
from bench_lipsync.harness.dubbing.pipeline import DubRequest, adapted, dub
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.media import decode_video, write_preview, write_wav
from bench_lipsync.harness.media.frames_at_times import pictures_at
from bench_lipsync.harness.media.yuv_planes import Planes, ToPlanes
from bench_lipsync.harness.stages import generate_frames as generating
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import files
from bench_lipsync.harness.util.owner_token import owned_name
from bench_lipsync.harness.watermark.detect import detect
from bench_lipsync.harness.watermark.embed import embed

RATE = 30
FRAMES = 45
SECONDS = 2.2  # of sound; the video has 1.5


class Painter:
    """Paints a green block where it says that it does not keep the frame; `fail` stops it half-way.

    It has room for `room` frames at once.
    """

    card = ModelCard(name="painter", kind="model", caveat="its lips are green")

    def __init__(
        self, colour: tuple[int, int, int] = (0, 255, 0), fail: BaseException | None = None, room: int = 99
    ) -> None:
        self.colour, self.fail, self.room = colour, fail, room

    def fingerprint(self) -> str:
        return "painter"

    def keep(self, clip: PreparedClip, start: int, stop: int) -> NDArray[np.float32]:
        keep = np.ones((stop - start, 256, 256), np.float32)
        keep[:, 160:200, 100:156] = 0
        return keep

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        assert len(audio) == clip.frames * 640
        for number, chunk in enumerate(clip.read_frames(chunk=context.batch_size)):
            if number and self.fail:
                raise self.fail
            if number and len(chunk) > self.room:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
            painted = chunk.copy()
            painted[:, 160:200, 100:156] = self.colour
            yield painted


class Idle(Painter):
    """Keeps everything."""

    def keep(self, clip: PreparedClip, start: int, stop: int) -> NDArray[np.float32]:
        return np.ones((stop - start, 256, 256), np.float32)


class Silent(Painter):
    """Ends too early."""

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        yield next(clip.read_frames(chunk=3))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A portrait in the public domain (NASA) that sways at 30 frames a second, of odd width; and 2.2 s of noise."""
    from skimage.data import astronaut

    folder = tmp_path_factory.mktemp("inputs")
    with av.open(str(folder / "video.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 241, 240, "yuv420p"
        for index in range(FRAMES):
            shift = round(6 * np.sin(index / 9))
            picture = np.ascontiguousarray(astronaut()[:240, 120 + shift : 361 + shift])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", threads=1)
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    sound = np.random.default_rng(0).integers(-5000, 5000, round(SECONDS * 16000)).astype(np.int16)
    write_wav(folder / "sound.wav", sound)
    return folder / "video.mkv", folder / "sound.wav"


def request(inputs: tuple[Path, Path], out: Path, **more: object) -> DubRequest:
    return DubRequest(*inputs, out, quiet=True, **more)  # type: ignore[arg-type]


def all_planes(path: Path, count: int, rate: float = RATE) -> list[Planes]:
    to_planes = ToPlanes()
    return [to_planes(one.frame) for one in pictures_at(path, [index / rate for index in range(count)])]


@pytest.fixture(scope="module")
def painted(inputs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("painted") / "out.mp4"
    result = dub(Painter(), request(inputs, out))
    assert (result.width, result.height, result.frames, result.rate) == (242, 240, 66, 30.0)
    assert result.looped
    assert result.frames_without_face == 0
    return out


def test_what_is_damaged_in_the_video_is_said(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    video = shutil.copy(inputs[0], tmp_path)
    broken = break_packets(Path(video), range(FRAMES - 1, FRAMES))
    result = dub(Painter(), request((broken, inputs[1]), tmp_path / "out.mp4"))
    assert len(result.notes) == 1 and "1 of " in result.notes[0] and "frames are damaged" in result.notes[0]


def test_size_rate_length_and_sound_are_kept(painted: Path) -> None:
    with av.open(str(painted)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.frames) == (242, 240, 66)
        assert video.average_rate == RATE
        assert float(audio.duration * audio.time_base) == pytest.approx(SECONDS, abs=0.03)


def test_the_file_says_that_it_is_synthetic(painted: Path) -> None:
    with av.open(str(painted)) as container:
        assert "SYNTHETIC" in container.metadata["comment"]
        assert "compositeWithTrainedAlgorithmicMedia" in container.metadata["comment"]
        assert "painter" in container.metadata["description"]


def test_lips_lie_on_the_face_all_along(painted: Path) -> None:
    for frame in np.concatenate(list(decode_video(painted))):
        green = (frame[..., 1] > 180) & (frame[..., 0] < 90) & (frame[..., 2] < 90)
        rows, columns = np.nonzero(green)
        assert len(rows) > 200
        assert 60 < rows.mean() < 220
        assert 60 < columns.mean() < 200


def test_the_mark_is_in_the_output_and_not_in_the_source(painted: Path, inputs: tuple[Path, Path]) -> None:
    assert detect(painted).errors <= 1
    assert not detect(inputs[0]).marked


def test_what_the_model_keeps_stays_bit_for_bit(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    """Encoded without loss, the output is the source and the mark, forwards and backwards."""
    dub(Idle(), request(inputs, tmp_path / "out.mp4", crf=0))
    source = all_planes(inputs[0], FRAMES)
    made = all_planes(tmp_path / "out.mp4", 66)
    for index, planes in enumerate(made):
        shown = index if index < FRAMES else 2 * (FRAMES - 1) - index
        # The prepared clip ends at 1.48 s, not at 1.4667: the turn lies between two frames.
        near = [source[max(0, min(FRAMES - 1, shown + step))].even() for step in (0, -1, 1)]
        same = [
            np.array_equal(planes.luma, embed(one.luma))
            and np.array_equal(planes.blue, one.blue)
            and np.array_equal(planes.red, one.red)
            for one in near
        ]
        assert same[0] if index < FRAMES - 1 else any(same), index


def test_frames_without_a_face_stay_as_they_were(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 240, 240, "bgr0"
        for index, frame in enumerate(np.concatenate(list(decode_video(inputs[0])))[:36, :, :240]):
            picture = np.full_like(frame, 70) if 12 <= index < 24 else frame
            out = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="bgr0")
            out.pts, out.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(out))
        container.mux(stream.encode(None))
    write_wav(tmp_path / "a.wav", np.full(36 * 640, 500, np.int16))
    result = dub(Painter(), request((path, tmp_path / "a.wav"), tmp_path / "out.mp4"))
    assert result.frames_without_face == 12
    frames = np.concatenate(list(decode_video(tmp_path / "out.mp4")))
    assert np.abs(frames[18].astype(int) - 70).max() < 20
    assert (frames[5, ..., 1].astype(int) - frames[5, ..., 0]).max() > 150


def test_a_still_picture_is_dubbed_at_25_frames(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    import cv2
    from skimage.data import astronaut

    still = tmp_path / "still.jpg"
    cv2.imwrite(str(still), astronaut()[:301, 80:440, ::-1])
    result = dub(Painter(), request((still, inputs[1]), tmp_path / "out.mp4"))
    assert (result.frames, result.rate, result.looped) == (55, 25.0, True)


@pytest.mark.parametrize("fail", [KeyboardInterrupt(), ClipError(Status.MODEL_FAILED, "no")])
def test_an_interrupted_dub_leaves_nothing(inputs: tuple[Path, Path], tmp_path: Path, fail: BaseException) -> None:
    with pytest.raises(type(fail)):
        dub(Painter(fail=fail), request(inputs, tmp_path / "out.mp4"))
    assert list(tmp_path.iterdir()) == []


def test_the_output_is_synced_and_what_a_killed_dub_left_is_swept(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "from bench_lipsync.harness.util.owner_token import owned_name; print(owned_name())"
    dead = subprocess.run([sys.executable, "-c", name], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    (tmp_path / f".half-{dead}.mp4").write_bytes(b"half a video")
    (tmp_path / f".half-{owned_name()}.mp4").write_bytes(b"a dub of this process, still at work")
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync", synced.append)
    dub(Painter(), request(inputs, tmp_path / "out.mp4"))
    assert [path.suffix for path in synced] == [".mp4", ""], "the file, then the folder that names it"
    assert not (tmp_path / f".half-{dead}.mp4").exists()
    assert len(list(tmp_path.glob(".half-*"))) == 1


def test_a_shortage_of_memory_begins_again_with_smaller_batches(
    inputs: tuple[Path, Path], painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "_FITTING", {})
    dub(Painter(room=2), request(inputs, tmp_path / "out.mp4"))
    assert (tmp_path / "out.mp4").read_bytes() == painted.read_bytes()
    with pytest.raises(ClipError, match="does not hold one frame's pass") as caught:
        dub(Painter(room=0), request(inputs, tmp_path / "none.mp4"))
    assert caught.value.status == Status.MEMORY
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_what_a_model_raises_becomes_a_status(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="ZeroDivisionError: by nought") as caught:
        dub(Painter(fail=ZeroDivisionError("by nought")), request(inputs, tmp_path / "out.mp4"))
    assert caught.value.status == Status.MODEL_FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_gives_too_few_frames_is_named(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="painter gave 3 of") as caught:
        dub(Silent(), request(inputs, tmp_path / "out.mp4"))
    assert caught.value.status == Status.BAD_OUTPUT
    assert list(tmp_path.iterdir()) == []


def test_sound_that_is_too_short_is_refused(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.full(640, 500, np.int16))
    with pytest.raises(ClipError, match=r"a\.wav: 0\.040 s"):
        dub(Painter(), request((inputs[0], tmp_path / "a.wav"), tmp_path / "out.mp4"))


# A real StyleLipSync


def test_streaming_equals_the_whole_clip(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    """Over the turn of a looped clip, in chunks of any size: the halo of the smoothing is taken in on both sides."""
    import torch

    from bench_lipsync.models.stylelipsync.model import StyleLipSync

    torch.set_num_threads(1)
    footage = read_footage(inputs[0], tmp_path, end=0.5)
    order = np.array([*range(12), *range(10, 3, -1)], np.intp)
    sound = np.random.default_rng(1).integers(-9000, 9000, len(order) * 640).astype(np.int16)
    clip = LoopedClip("c", "c", footage.clip.directory, footage.clip.meta, order=order, samples=sound)
    model = StyleLipSync()
    frames = {size: list(generated_crops(model, clip, GenerateContext(batch_size=size))) for size in (len(order), 3, 8)}
    for size in (3, 8):
        for one, other in zip(frames[len(order)], frames[size], strict=True):
            assert one.number == other.number
            assert np.array_equal(one.weight, other.weight)
            assert np.array_equal(one.pixels, other.pixels)
    assert 0.02 < frames[3][0].weight.mean() < 0.5, "its mask is used, not the whole crop"


# The command


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path[:0] = sys.argv.pop(1).split('|'); import test_dubbing\n"
        "from bench_lipsync.harness.registry.plugins import MODELS; MODELS._targets['painter'] = test_dubbing.Painter\n"
        "from bench_lipsync.harness.cli import main; main()"
    )
    folders = f"{Path(__file__).parent}|{Path(media_files.__file__).parent}"
    command = [sys.executable, "-c", code, folders, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def test_the_commands(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    given = ["generate", "-m", "painter", "--video", inputs[0], "--audio", inputs[1], "--out", out]
    done = bench(*given, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 66
    assert "note: painter: its lips are green\n" in done.stderr
    again = bench(*given)
    assert again.returncode == 2
    assert "--force" in again.stderr
    found = bench("watermark", "detect", out, "--json")
    assert found.returncode == 0
    assert json.loads(found.stdout)["marked"] is True
    missed = bench("watermark", "detect", inputs[0])
    assert missed.returncode == 1
    assert "no mark found" in missed.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--video": "absent.mp4"}, "--video absent.mp4: no such file"),
        ({"--audio": "absent.wav"}, "--audio absent.wav: no such file"),
        ({"--out": "nowhere/out.mp4"}, "create it first"),
        ({"--out": "out.avi"}, ".mp4"),
        ({"--box": "1,2,3"}, "four whole numbers"),
        ({"--model": "stylelipsnyc"}, "did you mean stylelipsync"),
    ],
)
def test_wrong_use_is_explained(
    inputs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    said: str,
) -> None:
    from bench_lipsync.harness import cli

    monkeypatch.chdir(inputs[0].parent)
    before = sorted(Path().iterdir())
    given = {"--video": str(inputs[0]), "--audio": str(inputs[1]), "--out": "out.mp4", **change}
    monkeypatch.setattr(sys, "argv", ["bench", "generate", *(word for pair in given.items() for word in pair)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_there_is_no_way_to_leave_the_mark_out() -> None:
    import typer

    from bench_lipsync.harness.cli import generate

    app = typer.Typer()
    app.callback()(lambda: None)
    generate.register(app)
    shown = CliRunner().invoke(app, ["generate", "--help"])
    assert shown.exit_code == 0
    assert "no-watermark" not in shown.output
    refused = CliRunner().invoke(app, ["generate", "--no-watermark"])
    assert refused.exit_code == 2


def test_scored_frames_never_meet_the_mark() -> None:
    """No module that prepares, generates for scoring, scores or previews imports the mark."""
    root = Path(__file__).resolve().parents[3]
    allowed = {"harness/dubbing/", "harness/watermark/", "harness/cli/generate.py"}
    for folder in ("harness", "models", "metrics", "baselines", "reports"):
        for path in (root / folder).rglob("*.py"):
            name = path.relative_to(root).as_posix()
            if not any(name.startswith(one) for one in allowed):
                assert "bench_lipsync.harness.watermark" not in path.read_text(encoding="utf-8"), name


# Tuning to the person


class Adaptable(Painter):
    """Learns one colour: the mean of the frames that it is tuned to."""

    def adaptation_key(self, request: AdaptRequest) -> str:
        return "mean"

    def describe_adaptation(self, request: AdaptRequest) -> str:
        return "mean"

    def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
        found = np.concatenate(list(footage.read_frames(*frames)))
        (folder / "colour.json").write_text(json.dumps([len(found), *found.mean(axis=(0, 1, 2)).round().tolist()]))

    def adapted(self, folder: Path) -> Painter:
        self.frames, *colour = json.loads((folder / "colour.json").read_text())
        return Painter(tuple(int(level) for level in colour))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the portrait with sound."""
    from skimage.data import astronaut

    path = tmp_path_factory.mktemp("footage") / "person.mp4"
    frames = np.stack([astronaut()[:300, 80 + index // 10 : 440 + index // 10] for index in range(55)])
    write_preview(path, [frames], np.random.default_rng(2).integers(-5000, 5000, 55 * 640).astype(np.int16))
    return path


def test_a_model_is_tuned_to_the_asked_seconds(footage: Path, tmp_path: Path) -> None:
    model = Adaptable()
    tuned = adapted(model, footage, 2.0, GenerateContext(), Store(tmp_path))
    assert model.frames == 50
    assert isinstance(tuned, Painter)
    assert tuned.colour != model.colour


def test_footage_that_is_too_short_for_tuning_is_named(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"person\.mp4 has 2\.20 s for --adapt-seconds 5"):
        adapted(Adaptable(), footage, 5.0, GenerateContext(), Store(tmp_path))


def test_a_model_that_cannot_be_tuned_is_named(footage: Path) -> None:
    with pytest.raises(BenchError, match="painter cannot be adapted"):
        adapted(Painter(), footage, 2.0, GenerateContext())
