"""The encoder breakout's driver against its registers: detents, light, other chips, and half a conversation."""

import sys
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.drivers.device import DeviceError, Retried
from neurorave_device.front_panel.i2c_encoder import I2cEncoder

from .fake_smbus import FakeBreakout, FakeBusses


def opened(reverse: bool = False) -> Tuple[FakeBreakout, FakeBusses, I2cEncoder]:
    breakout = FakeBreakout()
    busses = FakeBusses({0x0F: breakout})
    return breakout, busses, I2cEncoder(1, 0x0F, reverse, busses(1))


@given(st.lists(st.integers(-40, 40), max_size=60), st.booleans())
def test_detents_are_counted_round_the_counters_end(turns: List[int], reverse: bool) -> None:
    breakout, _, encoder = opened(reverse)
    for detents in turns:
        breakout.turn(detents)
        assert encoder.turned(0.0) == (-detents if reverse else detents)
        assert encoder.turned(0.0) == 0


def test_a_bit_read_wrong_is_no_turn() -> None:
    breakout, _, encoder = opened()
    breakout.count ^= 0x40
    assert encoder.turned(0.0) == 0
    breakout.turn(1)
    assert encoder.turned(0.0) == 1


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_the_light_shows_each_colour(colours: List[Tuple[int, int, int]]) -> None:
    breakout, _, encoder = opened()
    for colour in colours:
        encoder.light(colour)
        assert breakout.shown == colour


def test_bytes_on_the_bus() -> None:
    breakout, busses, encoder = opened()
    encoder.turned(0.0)
    before = busses.bytes
    encoder.turned(0.01)
    assert busses.bytes - before == 4
    encoder.light((0, 0, 0))
    assert busses.bytes - before == 4
    encoder.light((0, 9, 0))
    assert busses.bytes - before == 4 + 9
    encoder.close()
    assert breakout.shown == (0, 0, 0)
    assert busses.open == 0


def test_another_chip_at_the_address_is_said() -> None:
    breakout = FakeBreakout()
    breakout.identity = 0x1234
    busses = FakeBusses({0x0F: breakout})
    with pytest.raises(DeviceError, match="another chip is there"):
        I2cEncoder(1, 0x0F, False, busses(1))
    assert busses.open == 0


@pytest.mark.parametrize("calls", range(0, 60, 3))
def test_a_conversation_that_breaks_off_is_begun_again(calls: int) -> None:
    breakout = FakeBreakout()
    busses = FakeBusses({0x0F: breakout})
    kept = Retried("The encoder", "it", lambda: I2cEncoder(1, 0x0F, False, busses(1)))

    def follow(encoder: I2cEncoder) -> int:
        encoder.light((7, 8, 9))
        return encoder.turned(now)

    breakout.fail_after = calls
    now = 0.0
    while kept.use(now, follow) is not None and now < 1.0:
        now += 0.05
    assert kept.fault == "The encoder: Remote I/O error; check it."
    breakout.fail_after = None
    now += 0.6
    assert kept.use(now, follow) == 0
    breakout.turn(3)
    assert kept.use(now, follow) == 3
    assert breakout.shown == (7, 8, 9)
    kept.close()
    assert busses.open == 0


def test_a_dip_of_its_supply_is_noticed_within_a_second() -> None:
    breakout, _, encoder = opened()
    encoder.turned(0.0)
    breakout.reset()
    encoder.turned(0.5)
    with pytest.raises(DeviceError, match="lost its settings"):
        encoder.turned(1.0)


def test_what_is_said_where_nothing_is_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    import smbus2

    from neurorave_device.front_panel.i2c_encoder import place

    def sentence(bus: int) -> str:
        kept = Retried(*place(bus, 0x0F), lambda: I2cEncoder(bus, 0x0F, False))
        assert kept.use(0.0, lambda encoder: encoder.turned(0.0)) is None
        return kept.fault

    monkeypatch.setattr(smbus2, "SMBus", FakeBusses({}))
    check = "; check its cable, and `i2cdetect -y -r %d`."
    assert sentence(1) == (
        "The encoder at 0x0F on I2C bus 1: No such device or address" + check % 1
    )
    assert sentence(8) == "The encoder at 0x0F on I2C bus 8: not there" + check % 8
    monkeypatch.setitem(sys.modules, "smbus2", None)
    assert "a package is missing" in sentence(1)
    assert sentence(1).endswith("; install it.")
