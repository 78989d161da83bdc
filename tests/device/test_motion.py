"""Motion: what moves while no cable does, by time and seed alone, inside the scale."""

from typing import Any, Dict, List, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.mapping.combine import combine
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.mapping.motion import Motion, shape_at
from neurorave_device.parameters import DESCRIPTORS, MOTIONS, MOVED, by_id, default_values

from .control_bundle import make_bundle

FRAME = 512 / 44100.0
REST = (0.0, 0.0, 0.0, 0.0)
BASE = (0.8, 0.5, 0.5, 0.5, 0.5)
SHAPES = MOTIONS[1:]
PERIODIC = ("sine", "triangle", "ramp up", "ramp down", "square")


def moving(name: str, shape: str, **changes: Any) -> Mapper:
    """Return a mapper whose destination `name` moves; rate=2.0 is that of the motion, seed is the patch's."""
    values: Dict[str, float] = default_values()
    values["motion.%s.shape" % name] = by_id("motion.%s.shape" % name).parse(shape)
    values["motion.%s.depth" % name] = 1.0
    for key, raw in changes.items():
        row = "motion.%s.%s" % (name, key) if key in ("rate", "depth") else key.replace("_", ".", 1)
        values[row] = by_id(row).parse(raw)
    return Mapper(values, make_bundle())


def course(mapper: Mapper, name: str, frames: int = 200, volts: Sequence[float] = REST) -> Any:
    """Return what is asked of a descriptor, or forced of the latent, frame by frame."""
    found = []
    for _ in range(frames):
        targets = mapper.frame(volts, False, FRAME)
        if name == "latent_0":
            found.append(targets.forced)
        else:
            found.append(float(combine(targets, BASE)[0][DESCRIPTORS.index(name)]))
    return np.array(found)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), st.floats(0.0, 1e5), st.integers(0, 9999), st.integers(0, 9))
def test_every_shape_stays_within_its_height(
    shape: str, phase: float, seed: int, number: int
) -> None:
    assert -1.0 <= shape_at(shape, phase, seed, number) <= 1.0


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_goes_both_ways_and_nearly_to_its_ends(shape: str) -> None:
    heights = [shape_at(shape, 0.01 * step, 1, 65) for step in range(20000)]
    assert min(heights) < -0.9 and max(heights) > 0.9
    assert abs(np.mean(heights)) < 0.1


def test_the_shapes_are_what_they_are_called() -> None:
    def at(shape: str, *phases: float) -> List[float]:
        return [shape_at(shape, phase, 1, 65) for phase in phases]

    assert at("triangle", 0.0, 0.25, 0.5, 0.75, 1.0) == [0.0, 1.0, 0.0, -1.0, 0.0]
    assert at("sine", 0.0, 0.25, 0.75) == pytest.approx([0.0, 1.0, -1.0])
    assert at("ramp up", 0.0, 0.75) == [-1.0, 0.5] and at("ramp down", 0.0, 0.75) == [1.0, -0.5]
    assert at("square", 0.1, 0.6) == [1.0, -1.0]
    # Random keeps its height for a cycle, drift passes through the same heights without corners.
    heights = at("random", 0.1, 1.1, 2.1, 3.1)
    assert at("random", 0.9, 1.9, 2.9, 3.9) == heights and len(set(heights)) == 4
    assert at("drift", 0.0, 1.0, 2.0, 3.0) == heights
    fine = np.array([shape_at("drift", 0.001 * step, 1, 65) for step in range(5000)])
    assert np.abs(np.diff(fine)).max() < 0.004 and np.abs(np.diff(fine, 2)).max() < 2e-5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MOVED)
def test_each_destination_moves_within_the_scale_and_the_same_for_a_seed(
    name: str, shape: str
) -> None:
    found = course(moving(name, shape, rate=3.0), name)
    low, high = (-2.0, 3.0) if name == "latent_0" else (0.0, 1.0)
    assert found.min() >= low and found.max() <= high
    assert np.ptp(found) > (0.05 if name == "rms" else 0.8 * (high - low) * 0.5)
    assert np.array_equal(found, course(moving(name, shape, rate=3.0), name))
    other = course(moving(name, shape, rate=3.0, seed=2), name)
    assert np.array_equal(found, other) == (shape in PERIODIC)


def test_two_destinations_have_courses_of_their_own() -> None:
    one = course(moving("centroid", "drift", rate=3.0), "centroid")
    assert not np.allclose(one, course(moving("booming", "drift", rate=3.0), "booming"), atol=0.05)


def test_depth_and_rate_are_what_they_say() -> None:
    full = course(moving("latent_0", "sine", rate=1.0), "latent_0")
    half = course(moving("latent_0", "sine", rate=1.0, depth=0.5), "latent_0")
    assert np.ptp(half) == pytest.approx(0.5 * np.ptp(full), rel=0.02)
    crossings = np.flatnonzero(np.diff(np.sign(full - 0.5)) > 0)
    assert np.diff(crossings) * FRAME == pytest.approx(1.0, abs=FRAME)
    assert course(moving("centroid", "sine", depth=0.0), "centroid") == pytest.approx(0.5)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.0, 0.05), min_size=1, max_size=40),
    st.sampled_from(SHAPES),
    st.floats(0.01, 20.0),
)
def test_the_phase_counts_time_and_not_frames(cuts: List[float], shape: str, rate: float) -> None:
    one, two = Motion(1), Motion(1)
    for motion in (one, two):
        motion.update(MOTIONS.index(shape), rate, 1.0, 5)
    for cut in cuts:
        last = one.step(cut, 0.02)
    whole = two.step(sum(cuts), 0.02)
    # A jump of the shape may lie exactly here.
    assert last == pytest.approx(whole, abs=1e-6) or shape in (
        "square",
        "random",
        "ramp up",
        "ramp down",
    )


def test_a_new_rate_never_makes_it_jump() -> None:
    mapper = moving("latent_0", "sine", rate=0.5)
    before = course(mapper, "latent_0", 50)
    values = dict(mapper.values, **{"motion.latent_0.rate": 5.0})
    mapper.update(values)
    after = course(mapper, "latent_0", 2)
    assert abs(after[0] - before[-1]) < 1.3 * 5.0 * 2.0 * np.pi * 5.0 * FRAME / 2.0


def test_a_cable_stops_it_at_once_and_after_the_cable_it_goes_on_where_it_would_be() -> None:
    alone = moving("centroid", "triangle", rate=0.7)
    expected = course(alone, "centroid", 300)
    mapper = moving("centroid", "triangle", rate=0.7, cv3_slew=0)
    course(mapper, "centroid", 20)
    patched = course(mapper, "centroid", 80, (0.0, 0.0, 2.5, 0.0))
    # From the first frame on the cable alone decides: 0.5 drawn three quarters up.
    assert patched == pytest.approx(0.875)
    resting = course(mapper, "centroid", 200)
    quiet = round(2.0 / FRAME)
    # Two seconds at 0 V later it is free again, and in step with the one that was left alone.
    assert resting[: quiet - 2] == pytest.approx(0.5)
    assert resting[quiet + 2 :] == pytest.approx(expected[102 + quiet : 300])


def test_an_offset_is_no_cable_and_both_add_up() -> None:
    mapper = moving("latent_0", "square", rate=0.01, depth=0.2, cv1_offset=0.4)
    assert course(mapper, "latent_0", 3)[-1] == pytest.approx(-2.0 + 5.0 * (0.7 + 0.1))


def test_motion_stays_inside_what_is_asked_and_leaves_silence_silent() -> None:
    mapper = moving("rms", "square", rate=0.01)
    for level in (0.0, 0.05, 0.1):
        assert combine(mapper.frame(REST, False, FRAME), (level,) * 5)[0][0] == level


def test_what_the_model_lacks_moves_nothing() -> None:
    whole = make_bundle()
    values = dict(default_values(), **{"motion.booming.shape": 1.0, "motion.booming.depth": 1.0})
    mapper = Mapper(values, whole._replace(descriptors=whole.descriptors[:3]))
    assert not any(mapper.frame(REST, False, FRAME).moved)
