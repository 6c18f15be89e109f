"""Whether two runs may be compared at all, and which rows belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.gate.baseline import COMPARED_SPEC, Baseline


class RefusedError(BenchError):
    """Numbers that must not be compared."""


def check_comparable(base: Baseline, candidate: Baseline, *, same_footage: bool = False) -> None:
    """Raise `RefusedError` for other specifications, clips or signatures; `same_footage` also compares the content."""
    for key in COMPARED_SPEC:
        old, new = base.spec.get(key), candidate.spec.get(key)
        if old != new:
            raise RefusedError(
                f"refused: {key} is {old!r} in the baseline and {new!r} in the candidate; "
                "run the candidate as the baseline was run, or save a new baseline"
            )
    ids = set(base.clips) ^ set(candidate.clips)
    if ids:
        side = "baseline" if min(ids) in base.clips else "candidate"
        raise RefusedError(
            f"refused: the baseline has {len(base.clips)} clips and the candidate {len(candidate.clips)}; "
            f"{min(ids)!r} is only in the {side}; run both on the same list (--limit, --split)"
        )
    for column in sorted(base.measured & candidate.measured):
        old, new = base.columns[column].signature, candidate.columns[column].signature
        if old != new:
            raise RefusedError(
                f"refused: {column} was computed in two ways: {old} in the baseline, {new} in the candidate; "
                "save a new baseline from a run of a version that measures as the candidate's does"
            )
    other = _other_footage(base, candidate)
    if same_footage and other:
        raise RefusedError(f"refused: the footage of {len(other)} clips is not the same, for example {other[0]!r}")


def _other_footage(base: Baseline, candidate: Baseline) -> list[str]:
    """Clips whose prepared form is known on both sides and not equal."""
    return [
        clip
        for clip, key in sorted(base.clips.items())
        if key.content and candidate.clips[clip].content and key.content != candidate.clips[clip].content
    ]


def pair_rows(
    base: Baseline, candidate: Baseline, pairs: Mapping[str, str], models: Sequence[str] | None
) -> dict[str, str | None]:
    """The candidate's row, or `None`, for every row of the baseline that is judged; bounds come last.

    Raises `BenchError` for a pair that names no row and where not one model has a counterpart.
    """
    for old, new in pairs.items():
        for name, side, where in ((old, base, "baseline"), (new, candidate, "candidate")):
            if name not in side.models:
                raise BenchError(f"--pair names {name!r}, which is no row of the {where}: {', '.join(side.models)}")
    chosen = [name for name, row in base.models.items() if row.kind == "bound" or models is None or name in models]
    rows = {name: pairs.get(name, name if name in candidate.models else None) for name in chosen}
    place = {name: number for number, name in enumerate(candidate.models)}
    chosen.sort(key=lambda name: (base.models[name].kind == "bound", place.get(rows[name] or "", len(place))))
    rows = {name: rows[name] for name in chosen}
    tested = [name for name in chosen if base.models[name].kind != "bound"]
    if tested and not any(rows[name] for name in tested):
        raise RefusedError(
            f"refused: none of the baseline's models ({', '.join(tested)}) is a row of the candidate "
            f"({', '.join(candidate.models)}); say which belong together: --pair {tested[0]}=ROW"
        )
    return rows


def notices(base: Baseline, candidate: Baseline, rows: Mapping[str, str | None]) -> tuple[str, ...]:
    """What a reader must know although nothing was refused."""
    lines = []
    other = _other_footage(base, candidate)
    if other:
        lines.append(
            f"the prepared footage of {len(other)} of {len(base.clips)} clips differs in its bits, as it may on "
            "another machine or after a change of the preparation"
        )
    for old, new in rows.items():
        if new is not None and base.models[old].weights != candidate.models[new].weights:
            weights = f"{base.models[old].weights} and {candidate.models[new].weights}"
            lines.append(f"{old}: other weights in the two runs ({weights})")
    if base.bench != candidate.bench:
        lines.append(f"bench {base.bench} made the baseline, {candidate.bench} the candidate")
    if base.device != candidate.device:
        lines.append(f"devices differ: {base.device}; {candidate.device}")
    extra = sorted(set(candidate.models) - {new for new in rows.values() if new} - set(base.models))
    if extra:
        lines.append(f"only in the candidate, not judged: {', '.join(extra)}")
    return tuple(lines)
