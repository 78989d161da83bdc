"""The sound card output: cards that are there or not, those that refuse, and what is played on them."""

import sys
from typing import Any, Optional

import numpy as np
import pytest

from neurorave_device.audio.cards import Card, playing_cards
from neurorave_device.audio.soundcard import SoundCardOut
from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from tests.device.fake_cards import FakeCards, Ramp

RATE = 44100
BLOCK = 128


def card(cards: FakeCards, device: Optional[str] = None) -> SoundCardOut:
    return SoundCardOut(RATE, BLOCK, device, backend=cards, clock=VirtualClock())


def test_a_sound_card_plays_on_both_channels_and_counts() -> None:
    cards = FakeCards(["HDMI", "USB Audio"])
    out = card(cards)
    out.open(Ramp())
    options = cards.stream.options
    assert (options["device"], options["samplerate"], options["blocksize"]) == (2, RATE, BLOCK)
    first, second = cards.stream.play(BLOCK), cards.stream.play(64, underflow=True)
    expected = np.arange(BLOCK + 64) / 65536.0
    assert np.array_equal(np.concatenate((first, second)), np.stack((expected, expected), axis=1))
    assert out.stats() == (1, 0, 2)
    assert out.notice is None and out.fault is None
    out.stop()
    out.stop()
    assert cards.stream.calls == ["start", "stop", "close"]
    assert out.stats() == (1, 0, 2)


def test_a_card_is_found_by_a_part_of_its_name() -> None:
    cards = FakeCards(["HDMI", "USB Audio"])
    card(cards, "usb").open(Ramp())
    assert cards.stream.name == "USB Audio"
    card(cards, "hdmi").open(Ramp())
    assert cards.stream.name == "HDMI"


def test_the_cards_that_play_are_told_with_their_rates() -> None:
    cards = FakeCards(["HDMI", "USB Audio"], rates={"HDMI": 44100})
    assert playing_cards(cards) == [Card("HDMI", 44100, False), Card("USB Audio", 48000, True)]


def test_without_a_default_the_first_card_that_plays_is_taken() -> None:
    cards = FakeCards(["HDMI", "USB Audio"])
    cards.default.device = [-1, -1]
    card(cards).open(Ramp())
    assert cards.stream.name == "HDMI"


@pytest.mark.parametrize(
    "cards, device, said",
    [
        (FakeCards([]), None, "finds no sound card; --audio browser"),
        (
            FakeCards(["HDMI", "USB Audio"]),
            "Scarlett",
            "no sound card 'Scarlett', there are HDMI, USB",
        ),
        (
            FakeCards(["HDMI"], refuse=True),
            None,
            "'HDMI' refuses 44100 Hz in blocks of 128 .Device unavailable",
        ),
    ],
)
def test_no_card_is_one_sentence(cards: FakeCards, device: Optional[str], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        card(cards, device).open(Ramp())
    assert "\n" not in str(caught.value)


def test_a_card_that_opens_and_does_not_start_is_closed_and_told() -> None:
    cards = FakeCards(["HDMI"])
    cards.fail_start = True
    with pytest.raises(UserError, match=r"'HDMI' refuses 44100 Hz in blocks of 128 .Unanticipated"):
        card(cards).start(Ramp())
    assert cards.stream.calls == ["close"]


def test_a_missing_portaudio_is_one_sentence(monkeypatch: Any) -> None:
    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder()] + sys.meta_path)
    with pytest.raises(UserError, match=r"which is missing \(Debian: libportaudio2"):
        SoundCardOut(RATE, BLOCK).start(Ramp())


def test_an_error_in_the_callback_is_silence_and_a_sentence() -> None:
    cards = FakeCards(["HDMI"])
    out = card(cards)

    def pull(block: np.ndarray) -> None:
        raise RuntimeError("gone")

    out.open(pull)
    assert not cards.stream.play(BLOCK).any()
    assert out.fault == "the sound stopped: RuntimeError: gone"
