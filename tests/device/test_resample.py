"""A sound card that lacks the model's sample rate plays the same sound at its own, and the face is told."""

import sys
from typing import Any

import numpy as np
import pytest

from neurorave_device.audio.soundcard import PACE, SoundCardOut
from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from tests.device.fake_cards import FakeCards, Ramp

RATE = 44100
BLOCK = 128


@pytest.mark.parametrize("other", [48000, 96000, 32000, 22050])
@pytest.mark.parametrize("block", [BLOCK, 0])
def test_a_card_without_the_rate_gets_the_sound_resampled(other: int, block: int) -> None:
    hertz = 1000.0
    largest = [0]
    at = [0]

    def sine(out: np.ndarray) -> None:
        largest[0] = max(largest[0], out.size)
        out[:] = 0.5 * np.sin(2 * np.pi * hertz / RATE * np.arange(at[0], at[0] + out.size))
        at[0] += out.size

    cards = FakeCards(["USB Audio"], rates={"USB Audio": other})
    out = SoundCardOut(RATE, block, backend=cards, clock=VirtualClock())
    out.open(sine)
    assert cards.stream.options["samplerate"] == other
    assert out.notice == (
        "The sound card 'USB Audio' does not play at 44100 Hz: the sound is resampled to %d Hz."
        % other
    )
    random = np.random.RandomState(1)
    sizes = [block] * 400 if block else random.randint(1, 400, 400).tolist()
    heard = np.concatenate([cards.stream.play(size)[:, 0] for size in sizes])
    # As much is pulled as is played, and never more at once than a reader of the frame buffer may.
    assert at[0] == heard.size * RATE // other
    assert largest[0] <= (block or PACE)
    # Behind the silence at the start and the filter's attack it is one sine, to the end.
    start = int(np.flatnonzero(heard)[0]) + other // 100
    part = heard[start:].astype(np.float64)
    time = np.arange(part.size) / float(other)
    waves = np.stack((np.sin(2 * np.pi * hertz * time), np.cos(2 * np.pi * hertz * time)), axis=1)
    fit, _, _, _ = np.linalg.lstsq(waves, part, rcond=None)
    assert np.hypot(*fit) == pytest.approx(0.5, rel=1e-3)
    assert np.abs(part - waves.dot(fit)).max() < 1e-4
    out.stop()


def test_a_card_with_the_rate_gets_the_sound_as_it_is() -> None:
    cards = FakeCards(["USB Audio"], rates={"USB Audio": RATE})
    out = SoundCardOut(RATE, BLOCK, backend=cards, clock=VirtualClock())
    out.open(Ramp())
    assert out.notice is None
    assert np.array_equal(cards.stream.play(BLOCK)[:, 1] * 65536, np.arange(BLOCK))


def test_resampling_without_soxr_is_one_sentence(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    cards = FakeCards(["USB Audio"], rates={"USB Audio": 48000})
    with pytest.raises(UserError, match="plays at 48000 Hz, the model at 44100; the package soxr"):
        SoundCardOut(RATE, BLOCK, backend=cards, clock=VirtualClock()).open(Ramp())
