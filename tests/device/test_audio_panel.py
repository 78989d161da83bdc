"""The panel `audio`: volts and gates from a sound card, each gate after the same delay, and cards that go and come."""

import random
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest

from neurorave_device.audio.cards import look_again
from neurorave_device.clock import VirtualClock
from neurorave_device.config import load_config
from neurorave_device.errors import UserError
from neurorave_device.inputs.audio_panel import STALL_SECONDS, AudioPanel
from neurorave_device.inputs.base import SILENT_VOLTS, Edge
from neurorave_device.machine.audio_jacks import AudioJacks, checked, jacks_from
from neurorave_device.sound_process.stream import StreamClock
from neurorave_device.wiring import calibration_file, reach
from tests.device.fake_inputs import FakeInputs

RATE = 48000
BLOCK = 128
JACKS = AudioJacks(device="ES-8")
OUT_RATE, OUT_BLOCK = 44100, 128


class Rig:
    """A card that gives blocks, an output that takes them, and a scan each millisecond, on one virtual clock.

    `drift` is how much faster the card's clock runs than the output's; blocks come up to `lateness` late.
    """

    def __init__(
        self,
        jacks: AudioJacks = JACKS,
        drift: float = 0.0,
        lateness: float = 0.0,
        block: int = BLOCK,
    ) -> None:
        self.clock = VirtualClock(700.0)
        self.cards = FakeInputs()
        self.stream = StreamClock(self.clock, OUT_RATE, OUT_BLOCK)
        self.panel = AudioPanel(jacks, self.stream, self.cards, self.clock, threads=False)
        self.rate = RATE * (1.0 + drift)
        self.block = block
        self.lateness = lateness
        self.random = random.Random(4)
        self.began = self.clock.now()
        self.given = self.taken = 0
        self.next_scan = self.next_watch = self.began
        self.next_give = self.began + block / self.rate
        # Level of each input of the card, from a time on.
        self.changes: Dict[int, List[Tuple[float, float]]] = {}
        self.edges: List[Edge] = []
        self.volts: List[Any] = []

    def set(self, channel: int, volts: float, at: float = float("-inf")) -> None:
        """Let an input of the card, counted from 1, be at a voltage from `at` seconds after the start on."""
        self.changes.setdefault(channel, []).append((at, volts / 10.0))

    def samples(self, start: int, count: int) -> np.ndarray:
        times = np.arange(start, start + count) / self.rate
        data = np.zeros((count, 8), np.float32)
        for channel, changes in self.changes.items():
            starts, levels = np.array(changes).T
            data[:, channel - 1] = np.concatenate(([0.0], levels))[
                np.searchsorted(starts, times, "right")
            ]
        return data

    def run(self, seconds: float, card: bool = True) -> None:
        end = self.clock.now() + seconds
        while True:
            due = min(self.next_scan, self.next_take)
            if card:
                due = min(due, self.next_give)
            if due > end:
                self.clock.advance(end - self.clock.now())
                return
            self.clock.advance(max(0.0, due - self.clock.now()))
            if due == self.next_take:
                self.taken += OUT_BLOCK
                self.stream.anchor(self.taken)
            elif card and due == self.next_give:
                self.give()
            else:
                self.scan()

    @property
    def next_take(self) -> float:
        return self.began + self.taken / OUT_RATE

    def give(self) -> None:
        if self.cards.streams and self.cards.stream.active:
            self.cards.stream.give(self.samples(self.given, self.block))
        self.given += self.block
        due = self.began + (self.given + self.block) / self.rate
        self.next_give = due + self.random.uniform(0.0, self.lateness)

    def scan(self) -> None:
        self.next_scan += 0.001
        if self.clock.now() >= self.next_watch:
            self.next_watch = self.clock.now() + 0.1
            self.panel.watch()
        self.volts.append(self.panel.read(self.stream.now()))
        self.edges += self.panel.take_edges(self.stream.now())


def test_the_six_inputs_are_four_cvs_and_two_gates() -> None:
    rig = Rig(AudioJacks("es-8", (8, 2, 3, 4, 7, 1)))
    for channel, volts in ((8, 1.0), (2, -2.5), (3, 0.02), (4, 9.9)):
        rig.set(channel, volts)
    rig.set(7, 5.0, at=0.2)
    rig.set(1, 5.0, at=0.3)
    rig.run(0.5)
    assert rig.volts[-1] == pytest.approx((1.0, -2.5, 0.02, 9.9), abs=1e-5)
    assert [(edge.gate, edge.rising) for edge in rig.edges] == [(1, True), (2, True)]
    assert rig.panel.fault == ""
    options = rig.cards.stream.options
    assert (options["channels"], options["samplerate"], options["blocksize"]) == (8, RATE, BLOCK)


def test_an_inverting_card_and_other_volts() -> None:
    rig = Rig(JACKS._replace(volts=5.0, inverted=True))
    rig.set(1, 4.0)
    rig.run(0.1)
    assert rig.volts[-1][0] == pytest.approx(-2.0)


@pytest.mark.parametrize(
    "drift, lateness, block, allowed",
    [
        # In samples of the output: to the sample where one clock rules both and blocks come when they are due.
        (0.0, 0.0, BLOCK, 1.0),
        (0.0, 0.002, BLOCK, 4.0),
        (0.0, 0.002, 512, 8.0),
        (1e-4, 0.001, BLOCK, 4.0),
        (-1e-4, 0.001, BLOCK, 4.0),
    ],
)
def test_100_gates_come_after_the_same_delay(
    drift: float, lateness: float, block: int, allowed: float
) -> None:
    rig = Rig(JACKS._replace(block=block), drift, lateness, block)
    rng = random.Random(8)
    time, rises = 4.0, []
    for _ in range(100):
        time += rng.uniform(0.008, 0.03)
        rises.append(time)
        rig.set(5, 5.0, at=time)
        rig.set(5, 0.0, at=time + 0.004)
    rig.run(time + 0.2)
    found = [edge.time for edge in rig.edges if edge.rising]
    assert len(found) == 100 and len(rig.edges) == 200
    delays = (np.array(found) - np.array(rises)) * OUT_RATE
    assert np.ptp(delays) <= allowed
    # The delay is a block of the card, and what its blocks are late by on average. Sample 0 is taken at the start.
    expected = block / RATE + 0.5 * lateness + OUT_BLOCK / OUT_RATE
    assert abs(delays.mean() / OUT_RATE - expected) < 0.0003


def test_no_edge_is_stamped_long_before_it_is_given_out() -> None:
    rig = Rig(lateness=0.001)
    for step in range(60):
        rig.set(6, 5.0 * (step % 2), at=0.5 + 0.011 * step)
    late = []
    for _ in range(1500):
        before = len(rig.edges)
        rig.run(0.001)
        late += [rig.stream.now() - edge.time for edge in rig.edges[before:]]
    assert len(late) == 59
    # What a gate may be late by and still start at its own sample (timing.py).
    assert max(late) < 0.004


def test_cvs_change_a_thousand_times_a_second_however_long_the_blocks_are() -> None:
    rig = Rig(JACKS._replace(block=512), block=512)
    for step in range(1000):
        rig.set(1, 0.01 * step, at=0.001 * step)
    rig.run(0.9)
    steps = np.diff([volts[0] for volts in rig.volts[-500:]])
    # A ramp of 10 V/s is a hundredth of a volt in each scan.
    assert np.abs(steps - 0.01).max() < 0.0075
    assert len(set(np.round(steps.cumsum(), 6))) > 450


def test_a_gate_that_is_high_when_the_card_is_opened_has_to_be_low_once() -> None:
    rig = Rig()
    rig.set(5, 5.0)
    rig.run(0.3)
    assert rig.edges == []
    rig.set(5, 0.0, at=0.35)
    rig.set(5, 5.0, at=0.4)
    rig.run(0.3)
    assert [edge.rising for edge in rig.edges] == [True]


def test_a_gate_that_chatters_is_one_gate() -> None:
    rig = Rig()
    for step in range(7):
        rig.set(5, 5.0 * (step % 2 == 0), at=0.2 + 0.0001 * step)
    rig.run(0.4)
    assert [edge.rising for edge in rig.edges] == [True]


def test_a_card_that_is_unplugged_leaves_the_cvs_where_they_were_and_returns() -> None:
    rig = Rig()
    rig.set(2, 3.0)
    rig.set(5, 5.0, at=0.1)
    rig.run(0.5)
    assert rig.volts[-1][1] == pytest.approx(3.0)
    inputs = rig.cards.unplug("ES-8")
    rig.run(0.5)
    assert rig.panel.fault.startswith("The sound card 'ES-8' with the jacks: ")
    assert "looked for" in rig.panel.fault
    assert rig.volts[-1][1] == pytest.approx(3.0)
    # A gate whose cable is gone must not sound on.
    assert [edge.rising for edge in rig.edges] == [True, False]
    assert rig.cards.streams[0].closed
    rig.run(2.0)
    rig.cards.plugged["ES-8"] = inputs
    rig.set(2, -1.0)
    rig.run(2.0)
    assert rig.panel.fault == ""
    assert rig.volts[-1][1] == pytest.approx(-1.0)
    rig.set(5, 0.0, at=rig.clock.now() - rig.began + 0.1)
    rig.set(5, 5.0, at=rig.clock.now() - rig.began + 0.2)
    rig.run(0.4)
    assert [edge.rising for edge in rig.edges] == [True, False, True]


def test_a_card_that_gives_nothing_any_more_counts_as_gone() -> None:
    rig = Rig()
    rig.run(0.5)
    rig.run(STALL_SECONDS + 0.3, card=False)
    assert rig.panel.fault


@pytest.mark.parametrize(
    "plugged, jacks, words",
    [
        ({"ES-8": 4}, JACKS, ["ES-8", "has 4 inputs", "needs number 6"]),
        ({"Built-in": 2}, JACKS, ["ES-8", "there are: Built-in"]),
        ({}, JACKS, ["ES-8", "there are: none"]),
        ({}, AudioJacks(), ["default", "there are: none"]),
    ],
)
def test_a_card_that_cannot_be_used_is_one_sentence(
    plugged: Dict[str, int], jacks: AudioJacks, words: List[str]
) -> None:
    rig = Rig(jacks)
    rig.cards.plugged = plugged
    rig.cards._initialize()
    rig.run(0.3)
    assert all(word in rig.panel.fault for word in words), rig.panel.fault
    assert rig.volts[-1] == SILENT_VOLTS
    # As soon as one is there, it is read.
    rig.cards.plugged = {"ES-8": 8}
    rig.set(1, 2.0)
    rig.run(2.0)
    assert rig.panel.fault == "" and rig.volts[-1][0] == pytest.approx(2.0)


def test_a_card_that_refuses_is_one_sentence() -> None:
    rig = Rig()
    rig.cards.refuse = True
    rig.run(0.3)
    assert "refuses 48000 Hz in blocks of 128" in rig.panel.fault


def test_the_search_for_cards_never_ends_a_stream_that_is_open() -> None:
    rig = Rig()
    rig.run(0.3)
    scans = rig.cards.scans
    look_again(rig.cards)
    assert rig.cards.scans == scans
    rig.panel.close()
    look_again(rig.cards)
    assert rig.cards.scans == scans + 1


@pytest.mark.parametrize(
    "values, word",
    [
        ({"channels": [1, 2, 3]}, "channels is [1, 2, 3], allowed is six different inputs"),
        ({"channels": [1, 2, 3, 4, 5, 5]}, "channels"),
        ({"channels": [0, 1, 2, 3, 4, 5]}, "channels"),
        ({"volts": 0}, "volts is 0, allowed is the volts at full scale"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"volts": float("nan")}, "volts"),
    ],
)
def test_a_bad_section_is_one_sentence(values: Dict[str, Any], word: str) -> None:
    with pytest.raises(UserError) as caught:
        checked("my.yaml", values)
    assert str(caught.value).startswith("my.yaml: audio_panel: ") and word in str(caught.value)


def test_the_configuration_names_the_jacks(tmp_path: Any) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "panel: audio\nstate: .\naudio_panel: {device: 'ES-8 (2)', channels: [3, 4, 5, 6, 1, 2], volts: 10.24}\n"
    )
    config = load_config(str(path))
    jacks = jacks_from(config.audio_panel)
    assert jacks == AudioJacks("ES-8 (2)", (3, 4, 5, 6, 1, 2), 10.24)
    file = calibration_file(config)
    assert file is not None and file.path.endswith("calibration-audio-ES-8-2.json")
    assert reach(config) == 10.24
