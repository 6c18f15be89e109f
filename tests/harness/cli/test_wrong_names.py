"""Names and paths that do not exist are told before anything is downloaded, rendered, prepared or trained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from dataset_footage import touch

from bench_lipsync.harness.cli import main

DEMO = "--dataset demo"
WRONG = {
    "run -m stylelipsync:no/such.pth " + DEMO: "no StyleLipSync weights at no/such.pth",
    "run -m stylelipsync@box:no/such.safetensors " + DEMO: "no StyleLipSync weights at no/such.safetensors",
    "run -m wav2lip:no/such.pth " + DEMO: "no Wav2Lip weights at no/such.pth",
    "run -m external:no/such.yaml " + DEMO: "no/such.yaml",
    "run -m precomputed:no/such " + DEMO: "precomputed:no/such needs a folder",
    "run -m static@box " + DEMO: "static has no variants",
    "run -m stylelipsync@blue " + DEMO: "no switch blue",
    "run -m sttaic " + DEMO: "did you mean static?",
    "run -m static --metrics LPIP " + DEMO: "did you mean LPIPS?",
    "run -m static --dataset dmeo": "did you mean demo?",
    "run -m static --dataset hdtf": "--data-root",
    "run -m static --dataset voxceleb2 --data-root nowhere": "nowhere",
    "run -m static --config nowhere.yaml " + DEMO: "nowhere.yaml",
    "run -m static --device cuda:99 " + DEMO: "cuda:99",
    "run -m static --shard 3/2 " + DEMO: "3/2",
    "run -m static --split half " + DEMO: "half",
    "score videos --metrics LPIP " + DEMO: "did you mean LPIPS?",
    "score nowhere " + DEMO: "needs a folder",
    "score videos --dataset hdtf": "--data-root",
    "ablate --variants variants.yaml " + DEMO: "no StyleLipSync weights at no/such.pth",
    "ablate --model stylelipsync --metrics LPIP " + DEMO: "did you mean LPIPS?",
    "ablate --variants nowhere.yaml " + DEMO: "nowhere.yaml",
    "train stylelipsync --out o --expert nowhere.pth": "nowhere.pth",
    "train stylelipsync --out o --init nowhere.pth": "nowhere.pth",
    "train syncnet --out o --dataset hdtf": "--data-root",
    "train syncnet --out o --set colour=blue": "colour",
    "adapt --video videos/a.mp4 --out me.safetensors --model stylelipsync:no/such.pth": "no StyleLipSync weights",
    "adapt --video videos/a.mp4 --out me.safetensors --model stylelipsync@blue": "no switch blue",
    "adapt --video videos/a.mp4 --out me.safetensors --foreign nowhere": "nowhere",
    "adapt --video videos/a.mp4 --out me.safetensors --device cuda:99": "cuda:99",
    "adapt --video videos/a.mp4 --out me.safetensors --lr -1": "lr",
    "generate --video videos/a.mp4 --audio videos/a.mp4 --adapt-on nowhere.mp4 --out o.mp4": "nowhere.mp4",
    "generate --video videos/a.mp4 --audio videos/a.mp4 --model wav2lip:no/such.pth --out o.mp4": "no Wav2Lip weights",
    "data prepare hdtf --data-root videos --metadata nowhere --out o": "nowhere",
    "compare nowhere.yaml videos": "nowhere.yaml",
    "convert stylegan2 nowhere.pkl --out prior.safetensors": "nowhere.pkl",
}


@pytest.mark.parametrize("command", WRONG)
def test_said_before_any_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*args: object, **more: object) -> None:
        raise AssertionError("work has begun")

    # First the importers: what is imported later would keep the replacement.
    monkeypatch.setattr("bench_lipsync.harness.run.pipeline.load_scorers", work)
    monkeypatch.setattr("bench_lipsync.harness.assets.fetch.fetch_file", work)
    monkeypatch.setattr("bench_lipsync.harness.datasets.demo.dataset.render_clip", work)
    monkeypatch.setattr("bench_lipsync.harness.stages.stages.prepare", work)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    monkeypatch.setattr("logging.raiseExceptions", True)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "videos/a.mp4")
    (tmp_path / "variants.yaml").write_text("full: stylelipsync\nvariants: {mine: 'stylelipsync:no/such.pth'}")
    monkeypatch.setattr(sys, "argv", ["bench", *command.split()])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capsys.readouterr().err
    assert caught.value.code == 2 and WRONG[command] in said and "Traceback" not in said
    assert not (tmp_path / "runs").exists()
