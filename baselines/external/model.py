"""An external model: runs the repository's own program on every clip in a private folder and checks its result."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Location, backend
from bench_lipsync.baselines.external.environments.docker import remove_container
from bench_lipsync.baselines.external.environments.inventory import take_inventory
from bench_lipsync.baselines.external.installation import installed
from bench_lipsync.baselines.external.program.command import put_prelude, step_argv, variables
from bench_lipsync.baselines.external.program.process import Job, LogTail, run
from bench_lipsync.baselines.external.program.repository import clone_digest, clone_state
from bench_lipsync.baselines.external.program.workspace import Workspace, open_workspace, remove_stale
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.util.files import sha256_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.baselines.external.exchange.staging import Staged

logger = logging.getLogger(__name__)

VERSION = "external-engine-v1"
"""Changes whenever the engine may make a program give other frames."""
LOG_LINES = 40
_DESCRIPTIVE = frozenset({"title", "licence", "paper", "verified", "notes", "environment"})
"""Fields that change no frame. The actual contents of the environment count instead of the described ones."""


class ExternalModel:
    """A model that runs as its authors wrote it, made from a description and the user's installation."""

    def __init__(self, description: Description) -> None:
        """Check the installation and take the inventory of its environment.

        Raises:
            BenchError: The model cannot run; the message names the command that helps.
        """
        self._description = description
        self._installation = installed(description)
        assert self._installation.environment is not None  # noqa: S101 - checked by `installed`
        self._runtime = self._installation.environment
        self._backend = backend(self._runtime)
        self._notes: dict[str, tuple[str, ...]] = {}
        try:
            remove_stale(remove_container)
            # Not delayed to the first clip: a broken environment makes the row unavailable and does not end the run.
            self._fingerprint = self._compute_fingerprint()
        except OSError as error:
            raise BenchError(f"{description.name}: {error}; bench baselines doctor {description.name}") from error

    @cached_property
    def card(self) -> ModelCard:
        """The card, from the description, the installed weights and the commit of the clone."""
        description, facts = self._description, self._description.facts
        state = clone_state(Path(self._installation.repository))
        weights = [f"{item.file.rpartition('/')[2]}@{item.sha256[:8]}" for item in self._installation.weights]
        caveats = [facts.caveat] if facts.caveat else []
        if state.commit and not state.is_at(description.commit):
            caveats.append(f"the clone is at {state}, its description was written for {description.commit}")
        if not description.verified:
            caveats.append("its description has not been checked against a run of the real repository")
        return ModelCard(
            name=description.name,
            kind="model",
            description=f"{description.title}: the authors' own code ({state}) in a {self._runtime.kind} environment",
            native_size=facts.native_size,
            licence=description.licence,
            trained_on=facts.trained_on,
            weights=", ".join(weights) or "none",
            seed_controlled=facts.seed_controlled,
            uses_enhancer=facts.uses_enhancer,
            gt_leak=facts.gt_leak,
            caveat="; ".join(caveats),
            pose=facts.pose,
            covers="crop" if description.shows_all else "face",
        )

    def fingerprint(self) -> str:
        """Digest of the description, the clone's files, the weights, the environment's contents and the engine."""
        return self._fingerprint

    def _compute_fingerprint(self) -> str:
        from bench_lipsync.baselines.external.exchange import collect, staging

        weights = {item.file: item.sha256 for item in self._installation.weights}
        clone = Path(self._installation.repository)
        return sha256_json(
            {
                "versions": [VERSION, staging.VERSION, collect.VERSION],
                "description": self._description.model_dump(mode="json", exclude=set(_DESCRIPTIVE)),
                "clone": clone_digest(clone, self._installation.weight_files()),
                "weights": weights,
                "environment": [self._runtime.kind, take_inventory(self._runtime).digest],
            }
        )

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Run the program in a private folder, and read its frames in the canonical crop.

        Raises:
            ClipError: `timeout`, `model_failed` or `bad_output`, with the last line that the program printed.
        """
        from bench_lipsync.baselines.external.exchange.collect import collect
        from bench_lipsync.baselines.external.exchange.staging import stage

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
        """How the frames that `generate` last yielded for `clip` were changed."""
        return self._notes.get(clip.id, ())

    def _run_steps(
        self, space: Workspace, staged: Staged, clip: PreparedClip, context: GenerateContext, log: LogTail
    ) -> None:
        """All steps within one time limit. Raises `ClipError`."""
        description, limits = self._description, self._description.limits
        put_prelude(space)
        base = variables(description, staged.values, space, seed=context.seed, device=context.device)
        location = Location(space.folder, space.token, space.linked_folders, gpu=context.device != "cpu")
        allowed = limits.seconds + limits.seconds_per_frame * clip.frames
        deadline = time.monotonic() + allowed
        for step in description.steps:
            command = step_argv(step, staged.values, self._backend.python)
            job = Job(
                argv=self._backend.argv(command, location, base),
                folder=space.folder,
                variables=self._backend.variables(base),
                seconds=max(0.0, deadline - time.monotonic()),
                limit=allowed,
                grow_bytes=limits.output_mb * 1_000_000,
                cleanup=self._backend.cleanup(space.token),
            )
            completed = run(job, log)
            if damaged := space.damaged():
                raise ClipError(
                    Status.MODEL_FAILED, f"the program wrote to {damaged[0]}, which is not a copy; restore it"
                )
            if problem := completed.problem():
                raise ClipError(Status.MODEL_FAILED, problem)


@contextmanager
def _last_words(name: str, clip: str, log: LogTail) -> Iterator[None]:
    """Log the end of the program's output, and append its last line to the reason of a `ClipError`."""
    try:
        yield
    except ClipError as error:
        lines = log.lines(LOG_LINES)
        last_line = log.last_words()
        if lines:
            logger.warning("%s on %s, the end of its log:\n  %s", name, clip, "\n  ".join(lines))
        if not last_line or last_line in error.reason:
            raise
        raise ClipError(error.status, f"{error.reason}; its last words: {last_line}") from error
