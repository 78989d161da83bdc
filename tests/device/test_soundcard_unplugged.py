"""A sound card that is unplugged while playing, and plugged in again: the sound returns, its time goes on."""

from typing import Any, List, Optional

import numpy as np
import pytest

from neurorave_device.audio import card_stream
from neurorave_device.audio.soundcard import (
    RETRY_SECONDS,
    STALL_SECONDS,
    WATCH_SECONDS,
    SoundCardOut,
)
from neurorave_device.clock import VirtualClock
from tests.device.fake_cards import FakeCards, Ramp

RATE = 44100
BLOCK = 128
PERIOD = BLOCK / float(RATE)


class Desk:
    """A playing output, in virtual time: `live` lets time pass as the threads and PortAudio would."""

    def __init__(self, cards: FakeCards, device: Optional[str] = None) -> None:
        self.cards = cards
        self.clock = VirtualClock(100.0)
        self.ramp = Ramp()
        self.out = SoundCardOut(RATE, BLOCK, device, backend=cards, clock=self.clock)
        self.heard: List[np.ndarray] = []
        self.out.open(self.ramp)

    def live(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        watch = self.clock.now()
        while self.clock.now() < end:
            if self.out.stand_in is not None:
                self.out.stand_in.step()
            else:
                if self.cards.stream.active:
                    self.heard.append(self.cards.stream.play(BLOCK)[:, 0])
                self.clock.advance(PERIOD)
            if self.clock.now() >= watch:
                watch += WATCH_SECONDS
                self.out.watch()


def test_a_card_that_is_unplugged_and_plugged_in_again_plays_on() -> None:
    desk = Desk(FakeCards(["HDMI", "USB Audio"]), "usb")
    desk.live(5.0)
    assert desk.cards.scans == 1 and desk.out.notice is None
    desk.cards.unplug("USB Audio")
    desk.live(10.0)
    assert desk.out.notice == (
        "The sound card 'USB Audio' is gone; the sound returns when it is there again."
    )
    assert desk.out.fault is None
    # The stream's time goes on: but for the moment until it was noticed, all has been pulled.
    assert desk.ramp.at / float(RATE) == pytest.approx(15.0, abs=2 * WATCH_SECONDS)
    assert desk.cards.scans == pytest.approx(1 + 10.0 / RETRY_SECONDS, abs=2)
    silent = sum(part.size for part in desk.heard)
    assert silent / float(RATE) == pytest.approx(5.0, abs=0.01)
    desk.cards.plugged.append("USB Audio")
    desk.live(3.0)
    assert desk.out.notice is None and desk.out.stand_in is None
    assert len(desk.cards.streams) == 2 and desk.cards.stream.active
    again = np.concatenate(desk.heard)[silent:]
    assert again.size / float(RATE) > 3.0 - RETRY_SECONDS - WATCH_SECONDS
    # What is heard then is what is due then, without a hole.
    assert np.array_equal(again * 65536, np.arange(desk.ramp.at - again.size, desk.ramp.at) % 65536)
    # Blocks that nobody heard are none of the card's.
    assert desk.out.stats().blocks == sum(part.size for part in desk.heard) // BLOCK
    desk.out.stop()


def test_a_stream_that_stands_still_counts_as_gone() -> None:
    desk = Desk(FakeCards(["HDMI"]))
    desk.live(1.0)
    stuck = desk.cards.stream
    for _ in range(int(STALL_SECONDS / WATCH_SECONDS) - 1):
        desk.clock.advance(WATCH_SECONDS)
        desk.out.watch()
    assert stuck.active and desk.out.notice is None
    for _ in range(3):
        desk.clock.advance(WATCH_SECONDS)
        desk.out.watch()
    assert "close" in stuck.calls
    desk.live(2.0)
    assert desk.out.notice is None and desk.cards.stream is not stuck


def test_a_card_whose_device_file_is_gone_is_let_go_though_its_stream_never_ends(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_stream, "_NODE", str(tmp_path / "pcmC%sD%sp"))
    node = tmp_path / "pcmC1D0p"
    node.touch()
    desk = Desk(FakeCards(["USB Audio: - (hw:1,0)"]))
    desk.live(1.0)
    stuck = desk.cards.stream
    node.unlink()
    desk.clock.advance(WATCH_SECONDS)
    desk.out.watch()
    assert "close" in stuck.calls
    assert "is gone; the sound returns" in str(desk.out.notice)
    node.touch()
    desk.live(2.0)
    assert desk.out.notice is None and desk.cards.stream is not stuck


def test_a_default_card_that_is_gone_is_stood_in_for_by_the_next_and_the_face_says_so() -> None:
    desk = Desk(FakeCards(["HDMI", "USB Audio"]))
    desk.live(1.0)
    desk.cards.unplug("USB Audio")
    desk.live(2.0)
    assert desk.cards.stream.name == "HDMI" and desk.cards.stream.active
    assert desk.out.notice == "The sound card 'USB Audio' is gone, 'HDMI' plays."


def test_a_card_that_is_there_again_and_does_not_start_yet_is_tried_again() -> None:
    desk = Desk(FakeCards(["HDMI"]))
    desk.live(1.0)
    desk.cards.unplug("HDMI")
    desk.live(1.5)
    desk.cards.plugged.append("HDMI")
    desk.cards.fail_start = True
    pulled = desk.ramp.at
    desk.live(3.0)
    assert desk.out.notice is not None and desk.out.stand_in is not None
    assert (desk.ramp.at - pulled) / float(RATE) == pytest.approx(3.0, abs=0.02)
    desk.cards.fail_start = False
    desk.live(2.0)
    assert desk.out.notice is None and desk.cards.stream.active
    desk.out.stop()


def test_stopping_while_the_card_is_gone_ends_everything() -> None:
    desk = Desk(FakeCards(["HDMI"]))
    desk.live(1.0)
    desk.cards.unplug("HDMI")
    desk.live(2.0)
    desk.out.stop()
    assert desk.out.stand_in is None
    desk.out.stop()
