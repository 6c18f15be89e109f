"""Programs that cut their picture in their own way: the face in it tells where it lies."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_clips import describe, make_portrait_clip

from bench_lipsync.baselines.external.exchange.clip_video import write_clip
from bench_lipsync.baselines.external.exchange.collect import collect
from bench_lipsync.baselines.external.exchange.face_regions import placement_by_face
from bench_lipsync.baselines.external.exchange.staging import stage
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError

FRAMES = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    return make_portrait_clip(tmp_path_factory.mktemp("clip"), FRAMES, size=256, still=True)


def test_a_turned_and_enlarged_cut_is_laid_back_onto_the_clip(clip: PreparedClip, tmp_path: Path) -> None:
    picture = next(clip.read_frames(stop=1))[0]
    cut = cv2.warpAffine(picture, cv2.getRotationMatrix2D((128, 120), 7, 1.25), (256, 256), flags=cv2.INTER_CUBIC)
    description = describe(output={"files": "{out}/*.mkv", "placed": "by-face", "audio": False})
    staged = stage(description, clip, clip.audio(), tmp_path)
    write_clip(tmp_path / "benchout/a.mkv", [np.repeat(cut[None], FRAMES, axis=0)])
    found = collect(description, clip, staged, tmp_path)
    frames = np.concatenate(list(found.frames()))
    assert 0.5 < found.coverage < 0.9 and "of the crop" in found.notes[-1]
    middle = np.s_[80:200, 70:190]
    assert np.abs(frames[0][middle].astype(int) - picture[middle]).mean() < 6
    assert np.abs(cut[middle].astype(int) - picture[middle]).mean() > 12, "it was somewhere else before"


def test_a_picture_without_a_face_cannot_be_placed(clip: PreparedClip) -> None:
    with pytest.raises(ClipError, match="no face in the first frame"):
        placement_by_face(np.full((128, 128, 3), 90, np.uint8), clip)
