"""What every scorer must do, and scoring a clip in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bench_lipsync.harness.api.metric import ClipScore, Scorer
from bench_lipsync.harness.errors import ClipError, Status

SILENCE = np.zeros(0, np.int16)


def score_clip(  # noqa: PLR0917 - a clip and how it is fed
    scorer: Any,
    clip: Any,
    output: np.ndarray,
    truth: np.ndarray | None = None,
    audio: np.ndarray = SILENCE,
    cuts: Sequence[int] = (),
) -> ClipScore:
    """The score of a clip that is fed in chunks, cut before the frames `cuts`. Without `truth` it is the output.

    As in a run the chunks do not outlive their turn: their memory is overwritten afterwards.
    """
    accumulator = scorer.open(clip)
    for part in np.split(np.arange(len(output)), cuts):
        chunk = output[part].copy()
        truth_chunk = chunk if truth is None else truth[part].copy()
        before = chunk.copy(), truth_chunk.copy()
        accumulator.update(chunk, truth_chunk)
        assert np.array_equal(chunk, before[0]) and np.array_equal(truth_chunk, before[1]), "wrote into its input"
        chunk[:] = truth_chunk[:] = 77
    score: ClipScore = accumulator.compute(audio)
    return score


def check_scorer(
    scorer: Any,
    *cases: tuple[Any, ...],
    tolerance: float = 0.0,
    track: bool = True,
    frames_checked: bool = True,
    too_few: Status = Status.BAD_OUTPUT,
) -> list[ClipScore]:
    """Check the contract on `cases` (clip, output, and optionally truth and audio); the scores of all.

    Chunks do not matter (within `tolerance`), columns are the declared ones, curves have a number for each frame.
    `track`: more frames than the clip has are refused. `frames_checked`: so are frames of another type or shape.
    `too_few`: how a clip without frames fails.
    """
    assert isinstance(scorer, Scorer)
    assert [info.column for info in scorer.metrics] == [info.column for info in type(scorer).describe()]
    levels = {info.column: info.level for info in scorer.metrics}
    scores = []
    for clip, output, *rest in cases:
        score = score_clip(scorer, clip, output, *rest)
        for cuts in (range(1, len(output)), (1, len(output) // 2), (len(output) - 1,)):
            other = score_clip(scorer, clip, output, *rest, cuts=cuts)
            for kind in ("values", "features", "per_frame"):
                one, two = getattr(score, kind), getattr(other, kind)
                assert list(one) == list(two)
                for column in one:
                    np.testing.assert_allclose(two[column], one[column], rtol=0, atol=tolerance, err_msg=f"{cuts}")
        assert all(levels[column] == "clip" and np.isfinite(value) for column, value in score.values.items())
        assert all(levels[column] == "set" and f.dtype == np.float32 for column, f in score.features.items())
        assert score.values or score.features
        for column, curve in score.per_frame.items():
            assert column in score.values and curve.shape == (len(output),) and curve.dtype == np.float32
        scores.append(score)
    clip, output, *rest = cases[0]
    truth = rest[0] if rest and rest[0] is not None else output
    with pytest.raises(ClipError) as caught:
        scorer.open(clip).compute(*rest[1:] or [SILENCE])
    assert caught.value.status is too_few
    refused: list[tuple[np.ndarray, np.ndarray]] = []
    if frames_checked:
        refused += [(output.astype(np.float32), truth), (output[0], truth[0]), (output[..., :2], truth[..., :2])]
    if rest and rest[0] is not None:
        refused += [(output[1:], truth), (output[:, 1:], truth)]
    if track:
        refused += [(np.concatenate([output, output]), np.concatenate([truth, truth]))]
    for pair in refused:
        with pytest.raises(ClipError) as caught:
            scorer.open(clip).update(*pair)
        assert caught.value.status is Status.BAD_OUTPUT
    if "set" not in levels.values():
        assert scorer.pool([], []) == {}
    return scores
