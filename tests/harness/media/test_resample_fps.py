from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench_lipsync.harness.media.resample_fps import Timed, constant_rate, frame_count


def resample(times: list[float], duration: float, **cut: float) -> list[int]:
    """Numbers of the source frames that are shown."""
    frames = (Timed(time, duration, number) for number, time in enumerate(times))
    return list(constant_rate(frames, 25, **cut))


def test_the_same_rate_is_left_alone():
    assert resample([k / 25 for k in range(50)], 1 / 25) == list(range(50))


def test_rounded_timestamps_neither_double_nor_drop_a_frame():
    jittered = [k / 25 + (0.011 if k % 2 else -0.011) for k in range(1, 50)]
    assert resample([0.0, *jittered], 1 / 25) == list(range(50))


def test_fifty_becomes_every_second_frame():
    assert resample([k / 50 for k in range(100)], 1 / 50) == list(range(0, 100, 2))


def test_half_the_rate_doubles_every_frame():
    assert resample([0.0, 0.08, 0.16], 0.08) == [0, 0, 1, 1, 2, 2]


def test_thirty_shows_the_nearest_frame():
    assert resample([k / 30 for k in range(300)], 1 / 30) == [round(k * 30 / 25) for k in range(250)]


def test_counts_are_rounded():
    assert [frame_count(seconds, 25) for seconds in (0.0, 0.019, 0.02, 5.005, 10.0)] == [0, 0, 1, 125, 250]


def test_a_cut_begins_and_ends_where_it_should():
    times = [k / 25 for k in range(100)]
    assert resample(times, 1 / 25, start=1.0, end=2.0) == list(range(25, 50))
    assert resample(times, 1 / 25, start=3.0, end=9.0) == list(range(75, 100))
    assert resample(times, 1 / 25, start=9.0) == []
    assert resample(times, 1 / 25, start=2.0, end=2.0) == []


@given(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=60), st.floats(0, 2))
def test_every_frame_shown_is_the_nearest(gaps: list[float], start: float):
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    shown = resample(times, 0.04, start=start)
    for k, number in enumerate(shown):
        wanted = start + k / 25
        assert abs(times[number] - wanted) <= min(abs(time - wanted) for time in times) + 1e-5
    assert len(shown) >= frame_count(times[-1] + 0.04 - start, 25)
    assert len(shown) <= frame_count(times[-1] + 0.04 - start, 25) + 1
