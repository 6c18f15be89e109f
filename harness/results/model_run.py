"""What happened to one model in a run: its scores and failures, clip by clip."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench_lipsync.harness.scoring.score import ClipResult, FailureRecord


@dataclass
class ModelRun:
    """The outcome of one row of a run, or why its model could not be loaded."""

    name: str
    scores: dict[str, ClipResult] = field(default_factory=dict)
    """By clip id, for clips with an output."""
    failures: dict[str, FailureRecord] = field(default_factory=dict)
    """By clip id, for clips without an output."""
    unavailable: str = ""
    mode: str = "zero-shot"
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By clip id: remarks on successful clips that belong beside their numbers."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By clip id: wall time of generation, as measured when the frames were made."""
    refused: dict[str, str] = field(default_factory=dict)
    """Metrics that do not apply to the model: reason by column."""
