"""The first latent: swept from end to end where it is a timbre, one volt an octave where it is a pitch."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.mapping.curves import RANGE_VOLTS, normalise
from neurorave_device.mapping.first_latent import BEYOND_OCTAVES, PITCH_CENTRE_HZ, Pitch, Timbre
from neurorave_device.mapping.mapper import Mapper

from .control_bundle import knots, make_bundle

RANGES = st.integers(0, len(RANGE_VOLTS) - 1)
VOLTS = st.floats(-12.0, 12.0)
PITCHES = knots(-2.5, 2.5)


def hertz(latent: float) -> float:
    """Return the frequency of a pitch's latent."""
    return PITCH_CENTRE_HZ * 2.0**latent


@given(VOLTS, RANGES)
def test_a_volt_is_an_octave_in_every_range(volts: float, span: int) -> None:
    axis = Pitch(PITCHES)
    low, high = RANGE_VOLTS[span]
    inside = min(max(volts, low), high)
    found = axis.latent(axis.from_cv(normalise(volts, span), span))
    wanted = 261.6256 * 2.0**inside
    wanted = min(max(wanted, hertz(-2.5 - BEYOND_OCTAVES)), hertz(2.5 + BEYOND_OCTAVES))
    # Within a hundredth of a semitone.
    assert abs(1200.0 * math.log2(hertz(found) / wanted)) < 1.0


@given(VOLTS, VOLTS, RANGES)
def test_timbre_rises_with_the_volts_and_stays_inside(one: float, two: float, span: int) -> None:
    axis = Timbre(knots(-1.5, 1.5))
    first, second = [
        axis.latent(axis.from_cv(normalise(v, span), span)) for v in sorted((one, two))
    ]
    assert -1.5 <= first <= second <= 1.5


@pytest.mark.parametrize("kind", [Pitch, Timbre])
def test_a_motion_without_a_cable_begins_in_the_middle(kind: type) -> None:
    axis = kind(knots(-1.0, 1.0))
    assert abs(axis.latent(axis.moved(None, 0.0))) < 1e-9
    assert axis.latent(axis.moved(None, 0.5)) > axis.latent(axis.moved(None, -0.5))


def test_the_mapper_plays_a_pitched_bundle_by_volts_per_octave() -> None:
    info = make_bundle()._replace(pitched=True, latent_quantiles=(PITCHES, knots(-1.0, 1.0)))
    mapper = Mapper({"cv1.range": 0.0}, info)
    mapper.trigger()
    low = mapper.frame((-1.0, 0.0, 0.0, 0.0), False, 0.01)
    mapper.trigger()
    high = mapper.frame((1.0, 0.0, 0.0, 0.0), False, 0.01)
    assert low.force and high.force
    assert high.forced - low.forced == pytest.approx(2.0, abs=1e-6)


def test_zero_volts_is_a_note_once_notes_have_come() -> None:
    info = make_bundle()._replace(pitched=True, latent_quantiles=(PITCHES, knots(-1.0, 1.0)))
    mapper = Mapper({"cv1.range": 0.0}, info)
    assert not mapper.frame((0.0,) * 4, False, 0.01).force
    mapper.frame((1.0, 0.0, 0.0, 0.0), False, 0.01)
    kept = mapper.snapshot()
    for _ in range(400):
        targets = mapper.frame((0.0,) * 4, False, 0.01)
    assert targets.force
    assert hertz(targets.forced) == pytest.approx(261.6256, abs=0.01)
    # A model without a pitch is given back what it chooses, and one with a pitch takes over where this one is.
    plain = Mapper({}, make_bundle())
    plain.follow(mapper)
    assert not plain.frame((0.0,) * 4, False, 0.01).force
    other = Mapper({}, info)
    other.follow(mapper)
    assert other.frame((0.0,) * 4, False, 0.01).force
    fresh = Mapper({"cv1.range": 0.0}, info)
    fresh.restore(kept)
    assert fresh.frame((0.0,) * 4, False, 0.01).force
