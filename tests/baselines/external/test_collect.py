"""What programs leave behind: what is wrong ends as a typed failure, what is right as the clip's frames."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_clips import FRAMES, SIZE, describe, make_clip, waves

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.exchange.clip_video import write_clip
from bench_lipsync.baselines.external.exchange.collect import collect
from bench_lipsync.baselines.external.exchange.staging import Staged, stage
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError, Status


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    return make_clip(tmp_path_factory.mktemp("clip"))


def output(**fields: Any) -> Description:
    keeps = fields.pop("keeps_upper_half", False)
    fields = {"files": "{out}/*.mkv", "audio": False, **fields}
    return describe(output=fields, facts={"keeps_upper_half": keeps})


def begin(description: Description, clip: PreparedClip, folder: Path) -> Staged:
    return stage(description, clip, clip.audio(), folder)


def write(path: Path, pictures: np.ndarray, rate: Fraction = Fraction(25), audio: np.ndarray | None = None) -> Path:
    if rate == 25:
        write_clip(path, [pictures], audio)
        return path
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("ffv1", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "bgr0"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            file.mux(stream.encode(frame.reformat(format="bgr0")))
        file.mux(stream.encode(None))
    return path


def run(
    description: Description, clip: PreparedClip, folder: Path, pictures: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    staged = begin(description, clip, folder)
    write(folder / "benchout/a.mkv", pictures)
    return read(description, clip, staged, folder)


def read(description: Description, clip: PreparedClip, staged: Staged, folder: Path) -> tuple[np.ndarray, list[str]]:
    found = collect(description, clip, staged, folder)
    frames = np.concatenate(list(found.frames(chunk=7)))
    assert frames.shape == (FRAMES, SIZE, SIZE, 3) and frames.dtype == np.uint8
    return frames, found.notes


def refused(*arguments: Any) -> str:
    with pytest.raises(ClipError) as caught:
        (run if isinstance(arguments[-1], np.ndarray) else read)(*arguments)
    assert caught.value.status == Status.BAD_OUTPUT
    return caught.value.reason


def test_a_lossless_result_comes_back_bit_for_bit(clip: PreparedClip, tmp_path: Path) -> None:
    made = waves()[::-1].copy()
    frames, notes = run(output(), clip, tmp_path, made)
    assert np.array_equal(frames, made) and notes == []


def test_nothing_two_things_an_empty_and_a_broken_one(clip: PreparedClip, tmp_path: Path) -> None:
    description = output()
    staged = begin(description, clip, tmp_path)
    assert "left nothing at benchout/*.mkv" in refused(description, clip, staged, tmp_path)
    path = tmp_path / "benchout/a.mkv"
    path.touch()
    assert "a.mkv is empty" in refused(description, clip, staged, tmp_path)
    path.write_bytes(b"Error occurred during processing")
    assert "the result does not decode" in refused(description, clip, staged, tmp_path)
    whole = write(path, waves()).read_bytes()
    write(tmp_path / "benchout/b.mkv", waves())
    assert "2 results" in refused(description, clip, staged, tmp_path)
    (tmp_path / "benchout/b.mkv").unlink()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(description, clip, staged, tmp_path)


def test_a_link_is_no_result(clip: PreparedClip, tmp_path: Path) -> None:
    description, work = output(), tmp_path / "work"
    work.mkdir()
    staged = begin(description, clip, work)
    (work / "benchout/a.mkv").symlink_to(write(tmp_path / "elsewhere.mkv", waves()))
    assert "left nothing" in refused(description, clip, staged, work)
    (work / "benchout").rename(work / "other")
    (tmp_path / "outside").mkdir()
    write(tmp_path / "outside/a.mkv", waves())
    (work / "benchout").symlink_to(tmp_path / "outside")
    assert "left nothing" in refused(description, clip, staged, work)


def test_an_older_file_is_another_clips(clip: PreparedClip, tmp_path: Path) -> None:
    description = output()
    staged = begin(description, clip, tmp_path)
    path = write(tmp_path / "benchout/a.mkv", waves())
    os.utime(path, (staged.start - 60, staged.start - 60))
    assert "60 s older than the run" in refused(description, clip, staged, tmp_path)


@pytest.mark.parametrize("drift", [-3, -1, 1, 2])
def test_a_few_frames_too_few_or_too_many_are_noted(clip: PreparedClip, tmp_path: Path, drift: int) -> None:
    made = waves(FRAMES + drift)
    frames, notes = run(output(lost=3, extra=2), clip, tmp_path, made)
    kept = min(FRAMES, FRAMES + drift)
    assert np.array_equal(frames[:kept], made[:kept]) and (frames[kept:] == made[-1]).all()
    assert len(notes) == 1 and notes[0].startswith(f"{abs(drift)} ")


@pytest.mark.parametrize("drift", [-4, 3])
def test_more_is_refused(clip: PreparedClip, tmp_path: Path, drift: int) -> None:
    reason = refused(output(lost=3, extra=2), clip, tmp_path, waves(FRAMES + drift))
    assert f"expected {FRAMES} (up to 3 fewer or 2 more)" in reason


@pytest.mark.parametrize("offset", [2, -2])
def test_an_offset_puts_frames_where_they_belong(clip: PreparedClip, tmp_path: Path, offset: int) -> None:
    whole = waves(FRAMES + 4)
    made = whole[2:FRAMES] if offset > 0 else np.concatenate([whole[:1], whole[:1], whole[:FRAMES]])
    frames, notes = run(output(offset=offset, keeps_upper_half=True), clip, tmp_path, made)
    assert np.array_equal(frames[2:], whole[2:FRAMES])
    assert np.array_equal(frames[:2], whole[[2, 2]] if offset > 0 else whole[:2])
    assert bool(notes) == (offset > 0)


def test_the_panel_with_the_result_is_cut_out(clip: PreparedClip, tmp_path: Path) -> None:
    made = waves()
    wide = np.concatenate([np.zeros_like(made), made], axis=2)
    assert np.array_equal(run(output(panel=(0.5, 1.0)), clip, tmp_path, wide)[0], made)
    reason = refused(output(panel=(0.5, 1.0)), clip, tmp_path, made)
    assert f"{SIZE}x{SIZE}, expected {2 * SIZE}x{SIZE}" in reason
    three = np.concatenate([np.zeros_like(made), made, np.full_like(made, 9)], axis=2)
    description = output(panel=(1 / 3, 2 / 3), size=(3 * SIZE, SIZE))
    assert np.array_equal(run(description, clip, tmp_path, three)[0], made)


def test_62_5_frames_per_second_are_taken_by_the_nearest_time(clip: PreparedClip, tmp_path: Path) -> None:
    times = np.arange(FRAMES * 5 // 2) / 62.5
    made = np.repeat((times * 100).astype(np.uint8)[:, None, None, None], SIZE, 1).repeat(SIZE, 2).repeat(3, 3)
    description = output(rate=62.5)
    staged = begin(description, clip, tmp_path)
    write(tmp_path / "benchout/a.mkv", made, Fraction(125, 2))
    frames, notes = read(description, clip, staged, tmp_path)
    shown = frames[:, 0, 0, 0] / 100
    assert np.abs(shown - np.arange(FRAMES) / 25).max() <= 0.5 / 62.5 + 0.011
    assert notes == ["62.5 frames per second brought to 25 by the nearest time stamp"]
    assert "62.500 frames per second, expected 25" in refused(output(), clip, staged, tmp_path)


def test_another_size_or_no_sound_is_refused(clip: PreparedClip, tmp_path: Path) -> None:
    assert "48x48, expected 96x96" in refused(output(), clip, tmp_path, waves(size=48))
    assert "has no audio" in refused(output(audio=True), clip, tmp_path, waves())
    description = output(audio=True)
    staged = begin(description, clip, tmp_path)
    write(tmp_path / "benchout/a.mkv", waves(), audio=clip.audio())
    assert np.array_equal(read(description, clip, staged, tmp_path)[0], waves())


def test_pictures_are_read_in_the_order_of_their_numbers(clip: PreparedClip, tmp_path: Path) -> None:
    from PIL import Image

    description = output(files="results/*/frames/*.png", kind="frames")
    staged = begin(description, clip, tmp_path)
    folder = tmp_path / "results/id_pose_audio/frames"
    folder.mkdir(parents=True)
    for index, picture in enumerate(waves()):
        Image.fromarray(picture).save(folder / f"{index}.png")
    frames, _ = read(description, clip, staged, tmp_path)
    assert np.array_equal(frames, waves())
    (tmp_path / "results/twice/frames").mkdir(parents=True)
    Image.fromarray(waves(1)[0]).save(tmp_path / "results/twice/frames/0.png")
    assert "2 results" in refused(description, clip, staged, tmp_path)
    (tmp_path / "results/twice/frames/0.png").unlink()
    Image.fromarray(waves(1, 48)[0]).save(folder / "7.png")
    assert "differ in size" in refused(description, clip, staged, tmp_path)


@pytest.mark.parametrize("shift", [-3, -1, 2, 5])
def test_frames_that_come_at_another_time_are_refused(clip: PreparedClip, tmp_path: Path, shift: int) -> None:
    """The lower half is the model's; the upper half betrays the shift, through coding noise as well."""
    noisy = np.clip(waves() + np.random.default_rng(0).normal(0, 4, waves().shape), 0, 255).astype(np.uint8)
    made = np.roll(noisy, shift, axis=0)
    made[:, SIZE // 2 :] = 90
    word = "late" if shift > 0 else "early"
    reason = refused(output(keeps_upper_half=True), clip, tmp_path, made)
    assert f"frames come {abs(shift)} {word}" in reason
    made = np.roll(made, -shift, axis=0)
    assert run(output(keeps_upper_half=True), clip, tmp_path, made)[1] == []


def test_a_frame_dropped_on_the_way_is_seen_behind_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip", frames=150)
    made = np.delete(waves(150), 30, axis=0)
    description = output(keeps_upper_half=True)
    staged = begin(description, clip, tmp_path)
    write(tmp_path / "benchout/a.mkv", made)
    with pytest.raises(ClipError, match="frames come 1 early"):
        list(collect(description, clip, staged, tmp_path).frames())


def test_a_still_clip_cannot_tell_and_says_so(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip", speed=0.0)
    _, notes = run(output(keeps_upper_half=True), clip, tmp_path, waves(speed=0.0))
    assert notes == ["too still to check that its frames come at their time"]
