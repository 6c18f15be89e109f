"""Metrics on arrays give the numbers of a run, and say what is wrong with their arguments."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from bench_lipsync import metrics
from bench_lipsync.harness.api.clip import FPS, SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.assets.lookup import AssetMissing, asset_present
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.harness.faces.track import BLENDSHAPES, LANDMARKS, FaceTrack
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.harness.scoring.one_pass import one_pass
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.metrics import standalone

SIZE, FRAMES = 128, 40
PHOTO = np.ascontiguousarray(data.astronaut()[:SIZE, 160 : 160 + SIZE])
MOUTH = np.array([64.0, 90.0])


def footage(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, ground truth and audio of a clip."""
    rng = np.random.default_rng(seed)
    truth = np.stack([np.roll(PHOTO, shift, axis=1) for shift in rng.integers(0, 4, FRAMES)])
    output = np.clip(truth + rng.normal(0, 5, truth.shape), 0, 255).astype(np.uint8)
    output[3:6] = truth[3]
    return output, truth, (rng.standard_normal(FRAMES * SAMPLES_PER_FRAME) * 3000).astype(np.int16)


def track() -> FaceTrack:
    """A face that stands still: all points on an ellipse around the mouth, wide enough for every crop."""
    angles = np.linspace(0, 2 * np.pi, LANDMARKS, endpoint=False)
    points = np.stack([64 + 30 * np.cos(angles), 80 + 36 * np.sin(angles), 0 * angles], axis=-1)
    return FaceTrack(
        landmarks=np.repeat(points[None].astype(np.float32), FRAMES, axis=0),
        pose=np.repeat(np.eye(4, dtype=np.float32)[None], FRAMES, axis=0),
        blendshapes=np.zeros((FRAMES, BLENDSHAPES), np.float32),
        affine=np.zeros((FRAMES, 2, 3)),
        detected=np.ones(FRAMES, np.bool_),
    )


def of_a_run(scorer: str, folder: Path, seeds: tuple[int, ...]) -> dict[str, float]:
    """Values by column over the clips of `seeds`, from files, by the scorer path of a run."""
    factory: Any = SCORERS.get(scorer)
    loaded = LoadedScorer(scorer, factory(device="cpu"), factory.describe())
    scores, truths = [], []
    for seed in seeds:
        output, truth, audio = footage(seed)
        place = folder / str(seed)
        place.mkdir()
        write_wav(place / "audio.wav", audio)
        track().save(place / "faces.npz")
        for name, frames in (("video", truth), ("output", output)):
            with LosslessWriter(place / f"{name}.mkv", SIZE, SIZE) as writer:
                writer.write(frames)
        clip = PreparedClip(str(seed), "anna", place, {"frames": FRAMES, "size": SIZE, "content_hash": str(seed)})
        for video, found in ((place / "output.mkv", scores), (clip.video_path, truths)):
            score = one_pass([loaded], clip, Generated(video, video.name), audio)[scorer]
            assert not isinstance(score, ClipError)
            found.append(score)
    values = {c: math.fsum(s.values[c] for s in scores) / len(scores) for c in scores[0].values}
    for info in loaded.scorer.metrics:
        if info.level == "set":
            sides = [[score.features[info.column] for score in side] for side in (scores, truths)]
            values[info.column] = loaded.scorer.pool(*sides)[info.column]
    return values


def skip_without(asset: str) -> None:
    if not asset_present(asset):
        pytest.skip(f"NOT CHECKED: {asset} is not in the cache")


@pytest.mark.parametrize(
    ("scorer", "names", "asset"),
    [
        ("ssim", ["SSIM"], ""),
        ("psnr", ["PSNR"], ""),
        ("mouth", ["MouthSSIM", "MouthPSNR"], ""),
        ("sharpness", ["CPBD", "MouthCPBD"], ""),
        ("steadiness", ["TWE", "Jitter"], ""),
        ("lpips", ["LPIPS"], "alexnet_lpips"),
        ("mouth-lpips", ["MouthLPIPS"], "alexnet_lpips"),
        ("fid", ["FID", "KID"], "inception_fid"),
        ("fvd", ["FVD"], "i3d_kinetics"),
    ],
)
def test_the_numbers_are_those_of_a_run(scorer: str, names: list[str], asset: str, tmp_path: Path) -> None:
    if asset:
        skip_without(asset)
    expected = of_a_run(scorer, tmp_path, (0, 1))
    for name in names:
        metric = getattr(metrics, name)()
        for seed in (0, 1):
            output, truth, _ = footage(seed)
            metric.update(output, truth, faces=track())
        assert metric.compute() == expected[metric.infos[0].column]


def test_lse_takes_the_audio_in_second_place_and_gives_three_values(tmp_path: Path) -> None:
    expected = of_a_run("lse-open-syncnet", tmp_path, (0, 1))
    lse = metrics.LSE(variant="open-syncnet")
    for seed in (0, 1):
        _, _, audio = footage(seed)
        lse.update(footage(seed)[0], audio, faces=track())
    assert lse.compute() == {info.name: expected[info.column] for info in lse.infos}
    assert lse.higher_is_better == {"LSE-C": True, "LSE-D": False, "AV-offset": None}
    with pytest.raises(BenchError, match=r"LSE-C\[open-syncnet\].* needs the audio; call update\(frames, audio="):
        lse.update(footage(0)[0])
    with pytest.raises(BenchError, match=r"audio is float64 \(9,\); pass mono int16 samples"):
        lse.update(footage(0)[0], np.zeros(9))


def test_every_export_is_a_metric_that_exists() -> None:
    known = metric_names()
    for names, variant in metrics._EXPORTS.values():
        words = [f"{name}[{variant}]" if variant else name for name in names]
        assert len({offer.scorer for word in words for offer in known.ask(word)}) == 1
    exported = {name for names, _ in metrics._EXPORTS.values() for name in names}
    assert exported == set(known.order) - {"LSE-tracks", "LMD-missed"}
    assert set(metrics.__all__) <= set(dir(metrics))
    with pytest.raises(AttributeError, match="no attribute 'Fid'"):
        _ = metrics.Fid


def test_clips_are_averaged_and_forgotten() -> None:
    psnr = metrics.PSNR()
    black = np.zeros((2, 16, 16, 3), np.uint8)
    psnr.update(black + 1, black)
    psnr.update(np.repeat(black, 5, axis=0), np.repeat(black, 5, axis=0))
    one = 20 * math.log10(255)
    assert psnr.compute() == pytest.approx((one + 100) / 2), "a clip counts once, whatever its length"
    psnr.reset()
    with pytest.raises(BenchError, match=r"PSNR\[rgb255\] has no value after 0 clips; call update first"):
        psnr.compute()
    psnr.update(black + 1, black)
    assert psnr.compute() == pytest.approx(one)
    assert psnr.higher_is_better is True and repr(psnr) == "Metric('PSNR[rgb255]')"


def test_tensors_are_arrays_with_the_channels_first() -> None:
    output, truth, _ = footage(2)
    values = []
    for convert in (lambda x: x, lambda x: torch.from_numpy(x).permute(0, 3, 1, 2)):
        ssim = metrics.SSIM()
        ssim.update(convert(output), convert(truth))
        values.append(ssim.compute())
    ssim.reset()
    ssim.update(*(torch.from_numpy(x).permute(0, 3, 1, 2).float().div(255).requires_grad_() for x in (output, truth)))
    assert values[0] == values[1] == ssim.compute()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (np.zeros((2, 16, 16, 3)), r"frames is float64 \(2, 16, 16, 3\); pass a uint8 RGB array"),
        (np.zeros((2, 3, 16, 16), np.uint8), r"frames is uint8 \(2, 3, 16, 16\); pass"),
        (np.zeros((16, 16, 3), np.uint8), r"frames is uint8 \(16, 16, 3\); pass"),
        (np.zeros((0, 16, 16, 3), np.uint8), r"frames is uint8 \(0, 16, 16, 3\); pass"),
        ([1, 2], "frames is a list; pass"),
        (torch.zeros(2, 16, 16, 3), r"frames is a tensor \(2, 16, 16, 3\); pass"),
        (torch.zeros(2, 3, 16, 16) - 1, "frames is a float tensor with values from -1 to -1; pass"),
        (torch.zeros(2, 3, 16, 16) * math.nan, "float tensor with values from nan to nan; pass"),
        (np.zeros((3, 16, 16, 3), np.uint8), r"frames are \(3, 16, 16, 3\), truth is \(2, 16, 16, 3\)"),
    ],
)
def test_wrong_frames_are_named(frames: Any, reason: str) -> None:
    psnr = metrics.PSNR()
    with pytest.raises(BenchError, match=reason):
        psnr.update(frames, np.zeros((2, 16, 16, 3), np.uint8))
    with pytest.raises(BenchError, match="0 clips"):
        psnr.compute()


def test_wrong_use_is_named() -> None:
    frames = np.zeros((2, 16, 24, 3), np.uint8)
    with pytest.raises(BenchError, match=r"compares with the ground truth; call update\(frames, truth\)"):
        metrics.PSNR().update(frames)
    with pytest.raises(BenchError, match="16x24; this metric needs square face crops"):
        metrics.MouthPSNR().update(frames, frames, faces=track())
    with pytest.raises(BenchError, match=r"'LSE-C' stands for LSE-C\[syncnet_v2\], LSE-C\[open-syncnet\]; name one"):
        metrics.Metric("LSE-C")
    with pytest.raises(BenchError, match="no metric is called 'PSNRR'"):
        metrics.Metric("PSNRR")


def test_missing_weights_are_an_error_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(AssetMissing, match="bench assets fetch inception_fid"):
        metrics.FID()


def test_the_face_is_found_in_the_frames() -> None:
    skip_without("face_landmarker")
    photo = np.ascontiguousarray(data.astronaut()[:256, 96:352])
    truth = np.stack([photo] * 3)
    audio = np.zeros(3 * SAMPLES_PER_FRAME, np.int16)
    lmd, csim_crop = metrics.LMD(), metrics.MouthPSNR()
    lmd.update(truth, truth)
    csim_crop.update(truth, truth)
    assert (lmd.compute(), csim_crop.compute()) == (0.0, 100.0)
    with pytest.raises(BenchError, match=r"LipLeak.* has no value after 1 clips"):
        leak = metrics.LipLeak()
        leak.update(truth, truth, audio)
        leak.compute()
    with pytest.raises(ClipError, match="no_face"):
        metrics.MouthPSNR().update(truth * 0, truth * 0)


def test_the_example_of_the_docstring() -> None:
    assert doctest.testmod(standalone) == doctest.TestResults(failed=0, attempted=6)
    assert FPS * SAMPLES_PER_FRAME == 16_000


def test_the_page_says_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics" / "arrays.md").read_text(encoding="utf-8")
    code, printed = page.split("```python\n")[1].split("```")[0], page.split("```\n")[2]
    exec(code, {})  # noqa: S102 - our own page
    assert capsys.readouterr().out == printed
    assert all(f"`{name}`" in page for name in metrics._EXPORTS)


def test_importing_the_metrics_imports_no_network_library() -> None:
    code = "import sys; from bench_lipsync.metrics import FID, SSIM; assert not {'torch', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own words
