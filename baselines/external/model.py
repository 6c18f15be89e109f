"""One external model: its repository's own program, run on every clip in a private folder, its result checked."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Place, backend
from bench_lipsync.baselines.external.installation.clone import clone_digest
from bench_lipsync.baselines.external.installation.inventory import take_inventory
from bench_lipsync.baselines.external.installation.record import installed
from bench_lipsync.baselines.external.installation.repository import clone_state
from bench_lipsync.baselines.external.program.command import put_prelude, step_argv, variables
from bench_lipsync.baselines.external.program.log_tail import LogTail
from bench_lipsync.baselines.external.program.process import Job, run
from bench_lipsync.baselines.external.program.workspace import Workspace, open_workspace, remove_stale
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.util.files import sha256_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.baselines.external.inputs.staging import Staged

logger = logging.getLogger("bench")

VERSION = "external-engine-v1"
"""Changes whenever the engine may make a program give other frames."""
LOG_LINES = 40
_ONLY_TOLD = frozenset({"title", "licence", "paper", "verified", "notes", "environment"})
"""Parts of a description that change no frame; what the environment really holds counts instead."""


class ExternalModel:
    """A model that is run as its authors wrote it; made from a description and what the user has set up."""

    def __init__(self, description: Description) -> None:
        """Look at everything that is set up, and ask the environment what it holds.

        Raises `BenchError` for what cannot run here, with the command that helps.
        """
        self._description = description
        self._installation = installed(description)
        assert self._installation.environment is not None  # noqa: S101 - `installed` has seen to it
        self._runtime = self._installation.environment
        self._backend = backend(self._runtime)
        self._notes: dict[str, tuple[str, ...]] = {}
        try:
            remove_stale()
            # Now, and not for the first clip: a broken environment makes an unavailable row, it does not end the run.
            self._fingerprint = self._compute_fingerprint()
        except OSError as error:
            raise BenchError(f"{description.name}: {error}; bench baselines doctor {description.name}") from error

    @cached_property
    def card(self) -> ModelCard:
        """From the description, with the weights and the commit that are really here."""
        told, facts = self._description, self._description.facts
        state = clone_state(Path(self._installation.repository))
        weights = [f"{item.file.rpartition('/')[2]}@{item.sha256[:8]}" for item in self._installation.weights]
        doubts = [facts.caveat] if facts.caveat else []
        if state.commit and not state.is_at(told.commit):
            doubts.append(f"the clone is at {state}, its description was written for {told.commit}")
        if not told.verified:
            doubts.append("its description has not been checked against a run of the real repository")
        return ModelCard(
            name=told.name,
            kind="model",
            description=f"{told.title}: the authors' own code ({state}) in a {self._runtime.kind} environment",
            native_size=facts.native_size,
            licence=told.licence,
            trained_on=facts.trained_on,
            weights=", ".join(weights) or "none",
            seed_controlled=facts.seed_controlled,
            uses_enhancer=facts.uses_enhancer,
            gt_leak=facts.gt_leak,
            caveat="; ".join(doubts),
            pose=facts.pose,
            covers="crop" if told.shows_all else "face",
        )

    def fingerprint(self) -> str:
        """Of the description, the clone's files, the weights, what the environment holds, and the engine."""
        return self._fingerprint

    def _compute_fingerprint(self) -> str:
        from bench_lipsync.baselines.external.inputs import staging
        from bench_lipsync.baselines.external.outputs import collect

        weights = {item.file: item.sha256 for item in self._installation.weights}
        clone = Path(self._installation.repository)
        return sha256_json(
            {
                "versions": [VERSION, staging.VERSION, collect.VERSION],
                "description": self._description.model_dump(mode="json", exclude=set(_ONLY_TOLD)),
                "clone": clone_digest(clone, self._installation.weight_files()),
                "weights": weights,
                "environment": [self._runtime.kind, take_inventory(self._runtime).digest],
            }
        )

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Run the program in a folder of its own, then give its frames in the canonical crop.

        Raises `ClipError`: `timeout`, `model_failed`, `bad_output`, with the program's last words.
        """
        from bench_lipsync.baselines.external.inputs.staging import stage
        from bench_lipsync.baselines.external.outputs.collect import collect

        log, clone = LogTail(), Path(self._installation.repository)
        contained = self._runtime.kind == "docker"
        with (
            open_workspace(clone, self._installation.weight_files(), container=contained) as space,
            _last_words(self._description.name, clip.id, log),
        ):
            staged = stage(self._description, clip, audio, space.folder, context.seed)
            self._run_steps(space, staged, clip, context, log)
            result = collect(self._description, clip, staged, space.folder)
            yield from result.frames(context.batch_size)
            self._notes[clip.id] = tuple(result.notes)

    def notes(self, clip: PreparedClip) -> tuple[str, ...]:
        """What was done to the frames that `generate` last gave for `clip`."""
        return self._notes.get(clip.id, ())

    def _run_steps(
        self, space: Workspace, staged: Staged, clip: PreparedClip, context: GenerateContext, log: LogTail
    ) -> None:
        """All steps within one time limit. Raises `ClipError`."""
        told, limits = self._description, self._description.limits
        put_prelude(space)
        given = variables(told, staged.values, space, seed=context.seed, device=context.device)
        place = Place(space.folder, space.token, space.linked_folders, gpu=context.device != "cpu")
        allowed = limits.seconds + limits.seconds_per_frame * clip.frames
        deadline = time.monotonic() + allowed
        for step in told.steps:
            words = step_argv(step, staged.values, self._backend.python)
            job = Job(
                argv=self._backend.argv(words, place, given),
                folder=space.folder,
                variables=self._backend.variables(given),
                seconds=max(0.0, deadline - time.monotonic()),
                limit=allowed,
                grow_bytes=limits.output_mb * 1_000_000,
                cleanup=self._backend.cleanup(space.token),
            )
            ended = run(job, log)
            if damaged := space.damaged():
                raise ClipError(
                    Status.MODEL_FAILED, f"the program wrote to {damaged[0]}, which is not a copy; restore it"
                )
            if problem := ended.problem():
                raise ClipError(Status.MODEL_FAILED, problem)


@contextmanager
def _last_words(name: str, clip: str, log: LogTail) -> Iterator[None]:
    """Put the end of the program's log into the run's, and its last line into the reason where it is not yet there."""
    try:
        yield
    except ClipError as error:
        lines = log.lines(LOG_LINES)
        said = log.last_words()
        if lines:
            logger.warning("%s on %s, the end of its log:\n  %s", name, clip, "\n  ".join(lines))
        if not said or said in error.reason:
            raise
        raise ClipError(error.status, f"{error.reason}; its last words: {said}") from error
