"""Calibrating: exact to 10 mV whatever the jacks' errors, absurd things refused in a sentence, left at any moment."""

from typing import List, Optional, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.inputs.calibrating import (
    CHANNELS,
    LEFT,
    NEGATIVE,
    PATCH,
    RESULT,
    SAVED,
    SURE,
    UNPLUG,
    Calibrating,
)
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.calibration_fit import GOOD, POOR, fit
from neurorave_device.inputs.measuring import Point
from tests.device.jack_errors import Jacks, calibrate, measure, pass_time

GAIN = st.floats(0.9, 1.1)
OFFSET = st.floats(-0.3, 0.3)
OLD = Calibration((1.01, 0.99, 1.0, 1.02), (0.05, -0.1, 0.0, 0.2))


def saved(dialog: Calibrating) -> Calibration:
    dialog.choose("save")
    wanted = dialog.wanted
    assert wanted is not None
    dialog.kept()
    assert dialog.step == SAVED
    return wanted


@settings(max_examples=25, deadline=None)
@given(
    gain=st.tuples(GAIN, GAIN, GAIN, GAIN),
    offset=st.tuples(OFFSET, OFFSET, OFFSET, OFFSET),
    noise=st.sampled_from([0.0, 0.002, 0.02]),
    volts=st.sampled_from([1, 3, 5, 10]),
    negative=st.sampled_from([None, None, -1, -5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_errors_of_gain_and_offset_are_gone_afterwards(
    gain: Tuple[float, ...],
    offset: Tuple[float, ...],
    noise: float,
    volts: int,
    negative: Optional[int],
    seed: int,
) -> None:
    jacks = Jacks(gain, offset, noise, seed)
    dialog = calibrate(jacks, volts, negative)
    assert dialog.step == RESULT, dialog.view().problem
    assert [found.word for found in dialog.fits.values()] == [GOOD] * 4
    assert jacks.error(saved(dialog)) < 0.01
    # Five seconds for each of the player's steps are in it.
    assert jacks.now < 120.0


@pytest.mark.parametrize("volts", [5, 1])
def test_20_seeds_with_20_mv_of_noise(volts: int) -> None:
    worst = []
    for seed in range(20):
        random = np.random.RandomState(seed)
        jacks = Jacks(random.uniform(0.9, 1.1, 4), random.uniform(-0.3, 0.3, 4), 0.02, seed)
        dialog = calibrate(jacks, volts)
        # It is measured for long enough, not only by luck.
        assert max(found.error for found in dialog.fits.values()) < 0.006
        worst.append(jacks.error(saved(dialog)))
    assert max(worst) < 0.01


def test_one_channel_leaves_the_others_as_they_were() -> None:
    jacks = Jacks([1.05] * 4, [0.1] * 4)
    found = saved(calibrate(jacks, channels="3", present=OLD))
    assert found.gain[2] == pytest.approx(1.0 / 1.05)
    assert found.offset[2] == pytest.approx(-0.1 / 1.05)
    for channel in (0, 1, 3):
        assert (found.gain[channel], found.offset[channel]) == (
            OLD.gain[channel],
            OLD.offset[channel],
        )


def at_rest(jacks: Jacks, volts: int = 5) -> Calibrating:
    """Calibrate CV 1-4 up to the point where the cables are out."""
    dialog = Calibrating(OLD)
    dialog.choose("all")
    dialog.choose(str(volts))
    pass_time(dialog, jacks, 1.0)
    return dialog


def patched(jacks: Jacks, volts: int = 5) -> Calibrating:
    """Calibrate CV 1-4 up to the point where the cable with the voltage is to be put into CV 1."""
    dialog = at_rest(jacks, volts)
    measure(dialog, jacks)
    assert dialog.step == PATCH, dialog.view().problem
    return dialog


@pytest.mark.parametrize(
    "channel, volts, words",
    [
        (1, 1.23, ["CV 2 reads 1.23 V", "pull its cable"]),
        (3, -0.6, ["CV 4 reads -0.60 V"]),
    ],
)
def test_a_jack_that_is_not_at_rest_is_refused(
    channel: int, volts: float, words: List[str]
) -> None:
    jacks = Jacks()
    jacks.volts[channel] = volts
    dialog = at_rest(jacks)
    measure(dialog, jacks)
    view = dialog.view()
    assert dialog.step == UNPLUG
    assert all(word in view.problem for word in words), view.problem
    # Once it is out, all is well.
    jacks.volts[channel] = 0.0
    pass_time(dialog, jacks, 1.0)
    measure(dialog, jacks)
    assert (dialog.step, dialog.view().problem) == (PATCH, "")


@pytest.mark.parametrize(
    "volts, words",
    [
        ([0.0] * 4, ["CV 1 still reads 0.00 V", "patch 5 V"]),
        ([0.0, 0.0, 5.0, 0.0], ["The voltage is in CV 3", "into CV 1"]),
        ([-5.0, 0.0, 0.0, 0.0], ["CV 1 reads -5.00 V", "wrong sign"]),
        ([2.5, 0.0, 0.0, 0.0], ["CV 1 reads 2.50 V", "5 V"]),
        ([8.0, 0.0, 0.0, 0.0], ["CV 1 reads 8.00 V"]),
    ],
)
def test_a_voltage_that_is_not_what_was_promised_is_refused(
    volts: List[float], words: List[str]
) -> None:
    jacks = Jacks()
    dialog = patched(jacks)
    jacks.volts[:] = volts
    pass_time(dialog, jacks, 0.5)
    measure(dialog, jacks)
    view = dialog.view()
    assert dialog.step == PATCH
    assert all(word in view.problem for word in words), view.problem
    assert dialog.wanted is None
    jacks.volts[:] = [5.0, 0.0, 0.0, 0.0]
    pass_time(dialog, jacks, 0.5)
    measure(dialog, jacks)
    assert "CV 2" in dialog.view().sentence


def test_noise_is_refused() -> None:
    jacks = Jacks(noise=0.08)
    dialog = at_rest(jacks)
    measure(dialog, jacks)
    assert dialog.step == UNPLUG
    assert "noisy" in dialog.view().problem


@pytest.mark.parametrize("slope", [0.008, 0.02, -0.3, 3.0])
def test_a_voltage_that_moves_is_refused(slope: float) -> None:
    jacks = Jacks(noise=0.002 if abs(slope) > 0.01 else 0.0)
    dialog = patched(jacks)
    jacks.slope[0] = slope
    jacks.volts[0] = 5.0 - slope * jacks.now
    measure(dialog, jacks)
    assert dialog.step == PATCH
    assert "moves" in dialog.view().problem


def test_a_plug_that_still_moves_when_the_button_is_pressed_does_no_harm() -> None:
    jacks = Jacks()
    dialog = patched(jacks)
    dialog.choose("go")
    pass_time(dialog, jacks, 0.11)
    jacks.volts[0] = 5.0
    pass_time(dialog, jacks, 4.0)
    assert dialog.view().problem == "" and "CV 2" in dialog.view().sentence


def test_the_fault_of_the_inputs_is_the_reason() -> None:
    jacks = Jacks()
    dialog = at_rest(jacks)
    jacks.fault = "The CV inputs on /dev/spidev0.0 read all zeros; check MISO."
    measure(dialog, jacks)
    assert (dialog.step, dialog.view().problem) == (UNPLUG, jacks.fault)


def test_a_module_that_says_nothing_is_the_reason() -> None:
    jacks = Jacks()
    dialog = at_rest(jacks)
    jacks.silent = True
    measure(dialog, jacks)
    assert dialog.step == UNPLUG
    assert "have not been read" in dialog.view().problem


@pytest.mark.parametrize("end", [5.16, -5.16])
def test_a_channel_that_is_stuck_at_an_end_is_said_as_such(end: float) -> None:
    jacks = Jacks()
    jacks.volts[2] = end
    dialog = Calibrating(OLD, reach=5.16)
    dialog.choose("all")
    assert "10" not in [choice.id for choice in dialog.view().choices]
    dialog.choose("5")
    pass_time(dialog, jacks, 1.0)
    measure(dialog, jacks)
    assert "CV 3 stays at the end" in dialog.view().problem
    assert "broken" in dialog.view().problem


def test_a_voltage_beyond_the_inputs_is_told() -> None:
    jacks = Jacks()
    dialog = Calibrating(OLD, reach=5.16)
    dialog.choose("1")
    dialog.choose("5")
    pass_time(dialog, jacks, 1.0)
    measure(dialog, jacks)
    jacks.volts[0] = 5.15
    pass_time(dialog, jacks, 1.0)
    measure(dialog, jacks)
    assert "take a lower voltage" in dialog.view().problem


@given(st.lists(st.sampled_from(["all", "1", "4", "5", "go", "finish", "-5", "save", "reset"])))
@settings(max_examples=30, deadline=None)
def test_it_can_be_left_at_any_moment_and_nothing_is_wanted(choices: List[str]) -> None:
    jacks = Jacks()
    dialog = Calibrating(OLD)
    for choice in choices:
        dialog.choose(choice)
        pass_time(dialog, jacks, 0.6)
    dialog.leave()
    view = dialog.view()
    assert (dialog.step, view.ended, dialog.wanted) == (LEFT, True, None)
    assert "old calibration stays" in view.sentence


@given(st.lists(st.sampled_from(["all", "2", "5", "1", "go", "finish", "-5", "again", "nonsense"])))
@settings(max_examples=30, deadline=None)
def test_every_step_has_a_sentence_and_a_way_out(choices: List[str]) -> None:
    jacks = Jacks()
    dialog = Calibrating(OLD)
    for choice in choices:
        dialog.choose(choice)
        pass_time(dialog, jacks, 1.0)
        view = dialog.view()
        assert view.sentence
        assert "leave" in [offered.id for offered in view.choices]


def test_what_cannot_be_saved_is_told_and_can_be_tried_again() -> None:
    dialog = calibrate(Jacks())
    dialog.choose("save")
    assert dialog.wanted is not None
    dialog.kept("calibration.json: cannot be written (No space left on device).")
    assert dialog.step == RESULT
    assert "No space left" in dialog.view().problem
    assert dialog.wanted is None
    assert Jacks().error(saved(dialog)) < 1e-9


def test_taking_the_calibration_away_asks_first() -> None:
    dialog = Calibrating(OLD)
    dialog.choose("reset")
    assert dialog.step == SURE
    # A click by mistake changes nothing.
    assert dialog.view().choices[0].id == "leave"
    dialog.choose("reset")
    assert dialog.wanted == Calibration()
    dialog.kept("read-only")
    assert dialog.step == SURE


def test_again_begins_anew() -> None:
    dialog = calibrate(Jacks())
    dialog.choose("again")
    assert dialog.step == CHANNELS
    assert dialog.fits == {}


def test_an_input_that_is_bent_is_poor() -> None:
    straight = [(0.0, Point(0.0, 0.0)), (5.0, Point(5.0, 0.0)), (-5.0, Point(-5.0, 0.0))]
    bent = straight[:2] + [(-5.0, Point(-4.9, 0.0))]
    assert fit(straight).word == GOOD
    assert fit(bent).word == POOR
    assert 0.03 < fit(bent).error < 0.06


def test_the_result_says_how_good_it_is() -> None:
    jacks = Jacks(noise=0.02)
    dialog = calibrate(jacks, negative=-5)
    rows = dialog.view().rows
    assert [row[:9] for row in rows] == ["CV 1 good", "CV 2 good", "CV 3 good", "CV 4 good"]
    assert calibrate(jacks, channels="2").step == RESULT
    assert len(calibrate(jacks, channels="2").view().rows) == 1
    assert NEGATIVE != RESULT
