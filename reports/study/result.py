"""Results of a study as data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Opinion(_Record):
    """The mean opinion score of one row in one aspect, 1 to 5."""

    model: str
    aspect: str
    value: float | None
    """`None` without ratings."""
    ci_low: float | None = None
    ci_high: float | None = None
    """95% over raters; `None` with fewer than five."""
    n_answers: int = 0
    n_raters: int = 0


class Preference(_Record):
    """How often one row was preferred to another in one aspect."""

    one: str
    two: str
    aspect: str
    wins: int
    """Answers that prefer `one`."""
    ties: int
    losses: int
    share: float | None
    """(wins + ties / 2) / answers: 0.5 is no preference."""
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    """Two-sided, of no preference; `None` with fewer than five raters."""
    p_holm: float | None = None
    """Corrected over all comparisons of the study."""
    n_raters: int = 0


class Agreement(_Record):
    """Krippendorff's alpha in one aspect; `None` where it is not defined."""

    aspect: str
    ratings: float | None
    pairs: float | None


class StudyResult(_Record):
    """All results of a study."""

    study: str
    raters: list[str]
    excluded: dict[str, list[str]]
    """Raters whose answers are left out, and the checks that they failed."""
    clips: dict[str, int]
    """How many clips were shown of each row; opinion scores of rows with other clips do not compare."""
    opinions: list[Opinion]
    preferences: list[Preference]
    agreement: list[Agreement]
