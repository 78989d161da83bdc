"""The governor in virtual time: the order of its steps, no flapping, and the way back."""

import math
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.machine.thermal import Heat
from neurorave_device.sound_process.governor import (
    ALL,
    FACE,
    LIGHTER,
    LIMITS,
    METER,
    STEPS,
    Governor,
    Limits,
)

TICK = 0.05
COOL = Heat("CPU-therm", 50.0, 92.0, True)
HOT = COOL._replace(celsius=93.4)
BETWEEN = COOL._replace(celsius=90.0)


class Change(NamedTuple):
    """One change of the level."""

    time: float
    level: int
    sentence: str


class Bench:
    """A governor and its time."""

    def __init__(self, limits: Limits = LIMITS, offered: Tuple[int, ...] = STEPS) -> None:
        self.governor = Governor(limits)
        self.offered = offered
        self.now = 100.0
        self.late = 0
        self.changes: List[Change] = []

    def tick(
        self, load: float, late: int = 0, heat: Optional[Heat] = None, tick: float = TICK
    ) -> None:
        self.now += tick
        self.late += late
        before = self.governor.level
        ease = self.governor.follow(self.now, load, self.late, heat, self.offered)
        assert ease.level == self.governor.level
        assert bool(ease.sentence) == (ease.level != before)
        if ease.sentence:
            self.changes.append(Change(self.now, ease.level, ease.sentence))

    def run(
        self,
        seconds: float,
        load: float = 0.2,
        late: int = 0,
        heat: Optional[Heat] = None,
        tick: float = TICK,
    ) -> None:
        for _ in range(round(seconds / tick)):
            self.tick(load, late, heat, tick)

    @property
    def levels(self) -> List[int]:
        return [change.level for change in self.changes]


def test_nothing_is_done_without_while_all_is_well() -> None:
    bench = Bench()
    bench.run(600.0, load=LIMITS.load_well, heat=COOL, tick=0.5)
    assert bench.changes == []


@pytest.mark.parametrize(
    "trouble, patience, reason",
    [
        ({"load": 0.9}, LIMITS.after_load, "Too busy (load "),
        ({"heat": HOT}, LIMITS.after_heat, "Too hot (93 C)"),
        ({"late": 1}, LIMITS.after_late, "Sound came late ("),
    ],
)
def test_a_lasting_trouble_takes_the_steps_in_order_each_with_its_time(
    trouble: Any, patience: float, reason: str
) -> None:
    bench = Bench()
    bench.run(10.0, heat=COOL)
    bench.run(300.0, **trouble)
    assert bench.levels == [METER, FACE, LIGHTER]
    times = [change.time for change in bench.changes]
    for earlier, later in zip(times, times[1:]):
        assert patience <= later - earlier <= patience + 3 * TICK
    whats = ("the meter rests", "the screen is drawn less often", "the lighter variant takes over")
    for change, what in zip(bench.changes, whats):
        assert change.sentence.startswith(reason) and change.sentence.endswith(": %s." % what)
        assert len(change.sentence) < 100


def test_what_is_not_offered_is_skipped() -> None:
    for offered in ((FACE,), (METER, LIGHTER), (), (LIGHTER,)):
        bench = Bench(offered=offered)
        bench.run(100.0, load=1.5)
        assert bench.levels == list(offered)
        bench.run(200.0)
        assert bench.levels == list(offered) + list(offered[:-1])[::-1] + [ALL] * bool(offered)


def test_it_goes_back_step_by_step_after_calm_and_says_so() -> None:
    bench = Bench()
    bench.run(30.0, load=1.2, heat=COOL)
    assert bench.governor.level == LIGHTER
    bench.changes.clear()
    bench.run(200.0, load=0.2, heat=COOL)
    assert bench.levels == [FACE, METER, ALL]
    times = [change.time for change in bench.changes]
    assert all(b - a >= LIMITS.calm for a, b in zip(times, times[1:]))
    assert [change.sentence for change in bench.changes] == [
        "Well again (load 20 %, 50 C): the lighter variant stays until another bundle is chosen.",
        "Well again (load 20 %, 50 C): the screen is drawn as usual.",
        "Well again (load 20 %, 50 C): the meter measures again.",
    ]


@pytest.mark.parametrize(
    "trouble", [{"load": 0.58}, {"heat": BETWEEN}, {"load": 0.58, "heat": BETWEEN}]
)
def test_between_the_limits_nothing_changes(trouble: Any) -> None:
    bench = Bench()
    bench.run(100.0, **trouble)
    assert bench.changes == []
    bench.run(5.0, load=1.5)
    bench.run(3.0, load=0.2)
    level = bench.governor.level
    assert level > ALL
    bench.changes.clear()
    bench.run(1000.0, tick=0.5, **trouble)
    assert bench.changes == []


def test_one_late_frame_is_chance_two_in_ten_seconds_are_not() -> None:
    bench = Bench()
    bench.run(5.0)
    for _ in range(10):
        bench.tick(0.2, late=1)
        bench.run(LIMITS.late_seconds + 1.0)
    assert bench.changes == []
    bench.tick(0.2, late=1)
    bench.run(LIMITS.late_seconds - 1.0)
    bench.tick(0.2, late=1)
    assert bench.changes[0].sentence == "Sound came late (2 times in 10 s): the meter rests."
    bench.run(LIMITS.calm - 1.0)
    # The next step needs two more.
    assert bench.levels == [METER]


def test_late_frames_of_the_first_seconds_do_not_count() -> None:
    bench = Bench()
    bench.run(LIMITS.grace - TICK, late=3)
    bench.run(20.0)
    assert bench.changes == []


def test_a_short_peak_of_load_is_not_an_overload() -> None:
    bench = Bench()
    for _ in range(20):
        bench.run(0.5, load=1.5)
        bench.run(5.0, load=0.3)
    assert bench.changes == []


def test_a_load_that_is_no_number_says_nothing() -> None:
    bench = Bench()
    bench.run(5.0, load=float("nan"))
    bench.run(5.0, load=float("inf"))
    bench.run(5.0, load=0.3)
    assert bench.changes == []
    bench.run(20.0, load=2.0)
    assert bench.governor.level > ALL


def test_heat_that_is_no_longer_known_does_not_hold_the_module_back() -> None:
    bench = Bench()
    bench.run(40.0, heat=HOT)
    assert bench.governor.level == FACE
    bench.run(100.0, heat=None)
    assert bench.governor.level == ALL


def test_heat_is_the_reason_when_it_makes_the_sound_late() -> None:
    bench = Bench()
    bench.run(5.0)
    bench.run(5.0, load=1.5, late=1, heat=HOT)
    assert bench.changes[0].sentence == "Too hot (93 C): the meter rests."


def test_a_variant_that_is_not_wanted_is_withdrawn() -> None:
    bench = Bench()
    bench.governor.withdraw(bench.now)
    assert bench.governor.level == ALL
    bench.run(30.0, load=1.5)
    assert bench.governor.level == LIGHTER
    bench.governor.withdraw(bench.now)
    assert bench.governor.level == FACE
    # Not at once again.
    bench.run(LIMITS.after_load - 1.0, load=1.5)
    assert bench.governor.level == FACE


@pytest.mark.parametrize("rests", [METER, FACE, LIGHTER])
def test_a_step_that_is_needed_for_good_is_tried_ever_more_rarely(rests: int) -> None:
    bench = Bench()
    hours = 4
    for _ in range(hours * 3600):
        bench.tick(0.3 if bench.governor.level >= rests else 1.0, tick=1.0)
    # Two to four steps at the start, a try each 20, 40 ... 600 s, then one each ten minutes.
    assert len(bench.changes) <= 4 + 2 * (6 + hours * 6)
    gaps = [b.time - a.time for a, b in zip(bench.changes, bench.changes[1:]) if b.level < a.level]
    assert all(later >= earlier - 1.0 for earlier, later in zip(gaps, gaps[1:]))
    assert gaps[-1] >= LIMITS.longest_calm


def test_after_a_long_calm_it_tries_as_soon_as_at_first() -> None:
    bench = Bench()
    for _ in range(int(600.0 / TICK)):
        bench.tick(0.3 if bench.governor.level >= METER else 1.0)
    bench.run(3000.0, load=0.2, tick=1.0)
    assert bench.governor.level == ALL
    bench.changes.clear()
    bench.run(3.0, load=1.5)
    bench.run(100.0, load=0.2)
    assert bench.levels == [METER, ALL]
    assert bench.changes[1].time - bench.changes[0].time < LIMITS.calm + 10.0


LOADS = st.floats(0.0, 3.0)
SPANS = st.lists(
    st.tuples(
        st.floats(0.1, 60.0),
        LOADS,
        st.sampled_from([0, 0, 0, 1, 5]),
        st.one_of(st.none(), st.floats(20.0, 110.0)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(SPANS, st.sampled_from([STEPS, (METER, FACE), (FACE,), (METER, LIGHTER)]))
def test_whatever_comes_it_moves_one_step_at_a_time_and_never_flaps(
    spans: Any, offered: Tuple[int, ...]
) -> None:
    bench = Bench(offered=offered)
    for seconds, load, late, celsius in spans:
        heat = None if celsius is None else COOL._replace(celsius=celsius)
        bench.tick(load, late, heat)
        bench.run(seconds, load, 0, heat, tick=0.25)
    rungs = [ALL] + list(offered)
    places = [0] + [rungs.index(level) for level in bench.levels]
    assert all(abs(a - b) == 1 for a, b in zip(places, places[1:]))
    pairs = list(zip(bench.changes, bench.changes[1:]))
    for earlier, later in pairs:
        assert later.time - earlier.time >= LIMITS.after_late - 1e-6
        if later.level < earlier.level:
            # It goes back only after calm.
            assert later.time - earlier.time >= LIMITS.calm - 1e-6


@settings(max_examples=60, deadline=None)
@given(st.floats(1.0, 60.0), LOADS, LOADS, st.floats(20.0, 110.0), st.floats(20.0, 110.0))
def test_more_is_never_eased_less(
    seconds: float, load: float, other: float, celsius: float, hotter: float
) -> None:
    less, more = Bench(), Bench()
    loads, heats = sorted((load, other)), sorted((celsius, hotter))
    for _ in range(round(seconds / 0.25)):
        less.tick(loads[0], 0, COOL._replace(celsius=heats[0]), 0.25)
        more.tick(loads[1], 0, COOL._replace(celsius=heats[1]), 0.25)
        assert less.governor.level <= more.governor.level
    assert less.levels == sorted(less.levels) and more.levels == sorted(more.levels)


@settings(max_examples=30, deadline=None)
@given(SPANS)
def test_calm_always_brings_everything_back(spans: Any) -> None:
    bench = Bench()
    for seconds, load, late, celsius in spans:
        heat = None if celsius is None else COOL._replace(celsius=celsius)
        bench.run(seconds, load, late, heat, tick=0.5)
    bench.run(3.0 * (LIMITS.longest_calm + 20.0), load=0.1, heat=COOL, tick=1.0)
    assert bench.governor.level == ALL


def test_the_load_is_smoothed_over_time_however_often_it_is_asked() -> None:
    def first_step(tick: float) -> float:
        governor = Governor()
        now = 0.0
        governor.follow(now, 0.0, 0, None)
        while governor.level == ALL:
            now += tick
            governor.follow(now, 1.0, 0, None)
        return now

    expected = -LIMITS.load_seconds * math.log(1.0 - LIMITS.load)
    times: List[Callable[[], float]] = [lambda: first_step(0.01), lambda: first_step(0.2)]
    for time in times:
        assert time() == pytest.approx(expected, abs=0.25)
