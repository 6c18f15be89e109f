"""Adapted rows: never scored on what they learned from, made once, and comparable with the other rows of the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from test_pipeline import Darker, World, world  # noqa: F401 - a fixture

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptedModel, AdaptRequest, ModelCard
from bench_lipsync.harness.api.seen_frames import SeenFrames, frames_of, overlap, refuse_seen
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.run.pipeline import RunOutcome
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.store.entry import seal

BASE = {"models": ["learner"], "dataset": "folder"}


class Learner(Darker):
    """Learns nothing but what it was shown; `forget` loses even that, so that the engine's check can be tried."""

    card = ModelCard(name="learner", kind="model")
    seen: tuple[SeenFrames, ...] = ()

    def adaptation_key(self, request: AdaptRequest) -> str:
        return f"{request.regularise} {request.synchronise} {request.steps} {request.seed} {dict(request.settings)}"

    def describe_adaptation(self, request: AdaptRequest) -> str:
        return f"{request.steps or 7} steps"

    def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
        self.world.calls[f"adapt {footage.id} {request.regularise}"] += 1
        (folder / "seen.json").write_text(json.dumps(vars(frames_of(footage, *frames))))

    def adapted(self, folder: Path) -> Learner:
        tuned = Learner()
        tuned.seen = (SeenFrames(**json.loads((folder / "seen.json").read_text())),)
        return tuned

    def fingerprint(self) -> str:
        return f"learner {self.seen}"


@pytest.fixture
def people(world: World, monkeypatch: pytest.MonkeyPatch) -> World:  # noqa: F811 - the fixture
    """anna has two clips, bert and cleo one; every file says that it is 20 s long and gives 60 frames."""
    assert isinstance(Learner(), AdaptableModel)
    monkeypatch.setitem(plugins.MODELS._targets, "learner", Learner)
    monkeypatch.setattr("bench_lipsync.harness.run.adaptation_footage.clip_seconds", lambda clip: 20.0)
    monkeypatch.setattr("test_pipeline.FRAMES", 60)
    return world


def rows(outcome: RunOutcome) -> dict[str, str]:
    return {row.model: row.mode for row in outcome.result.metrics}


def test_modes_are_rows_of_one_run(people: World) -> None:
    outcome = people.run("run", "learner", mode="adapted,zero-shot,adapted-no-reg", adapt={"seconds": 2})
    assert rows(outcome) == {
        "learner": "zero-shot",
        "learner (adapted)": "adapted",
        "learner (adapted-no-reg)": "adapted-no-reg",
        "ground-truth": "zero-shot",
        "static": "zero-shot",
        "shuffled-audio": "zero-shot",
        "nearest-sound": "zero-shot",
    }
    assert outcome.result.status == "complete" and not outcome.result.failures
    assert all(row.n_ok == 4 for row in outcome.result.metrics)
    card = next(card for card in outcome.result.models if card["name"] == "learner (adapted)")
    assert "tuned to each person on footage that is not scored: 7 steps" in card["description"]
    assert sum(count for call, count in people.calls.items() if call.startswith("adapt")) == 8


def test_footage_is_other_footage_or_cut_off(people: World) -> None:
    outcome = people.run("run", "learner", mode="adapted", adapt={"seconds": 2})
    plan = json.loads((outcome.folder / "adaptation.json").read_text())
    by_name = {key[:6]: use for key, use in plan.items()}
    assert by_name["anna_1"]["footage"].startswith("anna_2") and by_name["anna_2"]["footage"].startswith("anna_1")
    assert by_name["bert_1"]["cut"] and by_name["cleo_1"]["cut"]
    assert "first 2 s and a gap of 1 s are left out of the scores of every row" in " ".join(outcome.result.notices)
    scored = {clip.id[:6]: clip for clip in outcome.result.clips}
    hashes = {use["content_hash"] for use in plan.values()}
    assert scored["bert_1"].content_hash not in hashes, "what is scored was prepared without the footage"


def test_zero_shot_rows_of_such_a_run_are_scored_on_the_same_frames(people: World) -> None:
    adapted = people.run("a", "learner", mode="adapted", adapt={"seconds": 2})
    people.calls.clear()
    zero = people.run("z", "learner", adapt={"seconds": 2})
    assert zero.result.clips == adapted.result.clips
    assert people.calls["prepare"] == 0 and not any(call.startswith("adapt") for call in people.calls)
    assert zero.result.spec_hash != adapted.result.spec_hash


def test_adapting_again_costs_nothing(people: World) -> None:
    first = people.run("a", "learner", mode="adapted")
    people.calls.clear()
    assert people.run("b", "learner", mode="adapted").result.metrics == first.result.metrics
    assert not people.calls
    people.run("c", "learner", mode="adapted", adapt={"seconds": 5, "steps": 9})
    assert any(call.startswith("adapt") for call in people.calls)


def test_a_short_clip_without_other_footage_fails_for_all_rows(people: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.run.adaptation_footage.clip_seconds", lambda clip: 2.9)
    result = people.run("run", "learner", mode="adapted", adapt={"seconds": 2}).result
    failed = {failure.clip[:6] for failure in result.failures if failure.model == "ground-truth"}
    assert failed == {"bert_1", "cleo_1"}
    reason = next(failure.reason for failure in result.failures)
    assert "2.90 s" in reason and "no other footage of bert" in reason


def test_frames_that_were_learned_from_are_refused(people: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights adapted by hand on the footage of a clip: the row is refused for that clip and for no other."""
    first = people.run("a", "learner")
    bert = next(clip for clip in first.result.clips if clip.id.startswith("bert"))

    class Spoilt(Learner):
        seen = (SeenFrames(bert.content_hash or "", 3, 9),)

    monkeypatch.setitem(plugins.MODELS._targets, "spoilt", Spoilt)
    result = people.run("b", "spoilt").result
    assert [(failure.model, failure.clip, failure.status) for failure in result.failures] == [
        ("spoilt", bert.id, "seen")
    ]
    assert "never scored" in result.failures[0].reason


def test_a_model_that_cannot_learn_says_so(people: World) -> None:
    result = people.run("run", "darker", mode="zero-shot,adapted").result
    values = {(row.model, row.value is None) for row in result.metrics if row.model.startswith("darker")}
    assert values == {("darker", False), ("darker (adapted)", True)}
    note = next(row.note for row in result.metrics if row.model == "darker (adapted)")
    assert "darker cannot be adapted to a person; measure it with --mode zero-shot" in note


def test_overlap_knows_clips_and_files() -> None:
    one = SeenFrames("h", 0, 50, "file", 10.0, 12.0)
    assert overlap(one, SeenFrames("h", 49, 60))
    assert not overlap(one, SeenFrames("h", 50, 60))
    assert overlap(one, SeenFrames("other", 0, 99, "file", 11.9, 20.0)), "cut from the same file elsewhere"
    assert not overlap(one, SeenFrames("other", 0, 99, "file", 12.0, 20.0))
    assert not overlap(SeenFrames("x", 0, 9), SeenFrames("y", 0, 9)), "unknown files are not the same file"


def test_bound_rows_saw_nothing(people: World) -> None:
    assert not isinstance(Darker(), AdaptedModel)
    refuse_seen((), None)  # type: ignore[arg-type]


def test_specification_of_modes() -> None:
    plain = make_spec(BASE)
    assert plain.mode == "zero-shot" and plain.adapt is None
    adapted = make_spec({**BASE, "mode": "adapted, zero-shot"})
    assert adapted.modes == ("zero-shot", "adapted") and adapted.adapt is not None and adapted.adapt.seconds == 5
    assert list(adapted.row_names()) == ["learner", "learner (adapted)"]
    hashes = {
        make_spec({**BASE, **change}).hash(["a"])
        for change in (
            {},
            {"mode": "adapted"},
            {"mode": "adapted-no-reg"},
            {"adapt": {"seconds": 5}},
            {"mode": "adapted", "adapt": {"seconds": 6}},
            {"mode": "adapted", "adapt": {"steps": 6}},
            {"mode": "adapted-no-sync"},
            {"mode": "adapted", "adapt": {"settings": {"sync_loss": "cosine"}}},
            {"models": ["learner@no-mals"]},
        )
    }
    assert len(hashes) == 9
    with pytest.raises(
        BenchError, match="no mode is called tuned; known: zero-shot, adapted, adapted-no-reg, adapted-no-sync"
    ):
        make_spec({**BASE, "mode": "tuned"})
    with pytest.raises(BenchError, match=r"adapt\.seconds"):
        make_spec({**BASE, "adapt": {"seconds": 0}})


def test_runs_without_adaptation_keep_their_hash() -> None:
    spec = make_spec({**BASE, "metrics": ["FID"]})
    assert spec.hash(["a", "b"]) == "f26631fb1d1ce988f2ad48a1983742f729cf98ad1b3a3848f5abef03b8d01261"


def test_an_interrupted_adaptation_keeps_its_folder(people: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(write: bool) -> Callable[..., None]:
        def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
            if write:
                (folder / "half.txt").write_text("half")
                raise KeyboardInterrupt
            assert (folder / "half.txt").is_file()
            raise ClipError(Status.MODEL_FAILED, "seen enough")

        return adapt

    monkeypatch.setattr(Learner, "adapt", broken(True))
    with pytest.raises(KeyboardInterrupt):
        people.run("a", "learner", mode="adapted")
    monkeypatch.setattr(Learner, "adapt", broken(False))
    result = people.run("a", "learner", mode="adapted", limit=None).result
    assert "seen enough" in {failure.reason for failure in result.failures}


def test_a_finished_adaptation_is_not_lost_when_the_run_dies_before_it_is_stored(
    people: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(folder: Path, parts: Mapping[str, object]) -> None:
        if "settings" in parts:
            raise KeyboardInterrupt
        seal(folder, parts)

    def counted(self, footage: PreparedClip, *more: object) -> None:
        again.append(footage.id)
        adapt(self, footage, *more)

    with monkeypatch.context() as killed:
        killed.setattr("bench_lipsync.harness.store.store.seal", dies)
        with pytest.raises(KeyboardInterrupt):
            people.run("a", "learner", mode="adapted")
    again: list[str] = []
    adapt = Learner.adapt
    monkeypatch.setattr(Learner, "adapt", counted)
    assert not people.run("a", "learner", mode="adapted").result.failures
    store = people.root / "cache" / "store"
    adapted = len(list(store.glob("adapt/??/*")))
    assert len(again) == len(set(again)) == adapted - 1, "the first was finished before"
    assert not list(store.glob("adapting/*.done"))
