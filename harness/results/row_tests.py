"""Whether two rows of any tables can be tested against each other, from the sums that they carry."""

from __future__ import annotations

from bench_lipsync.harness.results.schema import PeopleRecord
from bench_lipsync.harness.statistics.paired import PairedTest, paired_test

OTHER_CLIPS = "the rows are over different clips"
NO_PARTS = "the run does not hold what each person adds"


def compare_rows(first: PeopleRecord | None, second: PeopleRecord | None) -> PairedTest:
    """The paired test of two rows of one metric, uncorrected, or why there is none."""
    if first is None or second is None or first.scale != second.scale:
        return PairedTest(None, NO_PARTS)
    if first.clips != second.clips or first.groups != second.groups:
        return PairedTest(None, OTHER_CLIPS)
    return paired_test(first.clusters(), second.clusters())
