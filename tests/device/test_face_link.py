"""The face's link: what it sets reaches shared memory, and what it cannot know it does not pretend."""

from typing import Any, List

import numpy as np
import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.engine.description import read_description
from neurorave_device.errors import UserError
from neurorave_device.face_process.link import SharedLink
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver, CommandSender, GatePress, make_pipe
from neurorave_device.link.events import PROGRAM, Event, EventWriter
from neurorave_device.link.settings import (
    apply_panel,
    pack_values,
    unpack_calibration,
    unpack_values,
)
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.parameters import default_values
from neurorave_device.sound_process.timing import timing
from tests.device.toy import TOY

INFO = read_description(TOY).info
FIVE = (0.1, 0.2, 0.3, 0.4, 0.5)
CALIBRATION = Calibration((1.01, 0.99, 1.0, 1.02), (0.05, -0.1, 0.0, 0.2))
PLAYING = Report(
    state="playing", asked=FIVE, heard=FIVE, mask=(True,) * 5, peak=0.5, time=3.0, message="hello"
)


class Bench:
    """A link, and the other ends of what it writes to."""

    def __init__(self, folder: str = TOY) -> None:
        self.folder = folder
        self.clock = VirtualClock(10.0)
        self.shared = SharedMemory.create(ring_samples=1024)
        self.shared.parameters.write(pack_values(default_values()))
        self.ends = make_pipe()
        self.receiver = CommandReceiver(self.ends[0])
        self.link = self.new_link()

    def new_link(self) -> SharedLink:
        return SharedLink(
            self.shared,
            CommandSender(self.ends[1]),
            self.folder,
            lambda info: timing(20.0, 128, info.sample_rate, info.hop),
            True,
            self.clock,
        )

    def patched(self) -> VirtualPanel:
        """The panel as the sound process has it."""
        panel = VirtualPanel(self.clock)
        apply_panel(self.shared.panel.read(), panel)
        return panel

    def close(self) -> None:
        self.shared.close()
        for end in self.ends:
            end.close()


def test_nothing_is_measured_before_the_first_frame_and_while_the_meter_rests() -> None:
    bench = Bench()
    try:
        assert not bench.link.telemetry().measured
        for measured, eased in ((True, 0), (False, 2), (True, 3)):
            report = PLAYING._replace(measured=measured, eased=eased)
            bench.shared.telemetry.write(telemetry.pack(report))
            seen = bench.link.telemetry()
            assert (seen.measured, seen.eased) == (measured, eased)
    finally:
        bench.close()


@pytest.fixture
def bench() -> Any:
    made = Bench()
    yield made
    made.close()


def test_the_bundle_is_described_for_the_panel(bench: Bench) -> None:
    info = bench.link.info()
    assert (info["name"], info["sample_rate"], info["hop"], info["latents"]) == (
        "toy",
        44100,
        512,
        8,
    )
    plan = timing(20.0, 128, 44100, 512)
    assert info["latency_ms"] == pytest.approx(1000.0 * plan.gate)
    assert info["knob_ms"] == pytest.approx(1000.0 * plan.knob)
    assert info["virtual"] is True
    assert [row["name"] for row in info["descriptors"]] == [row.name for row in INFO.descriptors]
    assert len(info["descriptors"][0]["quantiles"]) == 25


def test_before_the_first_report_it_is_starting(bench: Bench) -> None:
    bench.clock.advance(60.0)
    assert bench.link.telemetry().state == "starting"
    assert len(bench.link.telemetry().asked) == 5


def test_the_newest_report_is_shown(bench: Bench) -> None:
    bench.shared.telemetry.write(telemetry.pack(PLAYING))
    bench.shared.telemetry.write(telemetry.pack(PLAYING._replace(peak=0.25, late=3)))
    seen = bench.link.telemetry()
    assert (seen.state, seen.peak, seen.late, seen.message) == ("playing", 0.25, 3, "hello")
    assert seen.asked == pytest.approx(FIVE)
    assert seen.mask == (True,) * 5


def test_a_sound_process_that_falls_silent_is_a_fault_until_it_speaks_again(bench: Bench) -> None:
    bench.shared.telemetry.write(telemetry.pack(PLAYING))
    assert bench.link.telemetry().state == "playing"
    bench.clock.advance(0.9)
    assert bench.link.telemetry().state == "playing"
    bench.clock.advance(0.2)
    assert bench.link.telemetry().state == "fault"
    assert "sound" in bench.link.telemetry().message
    bench.shared.telemetry.write(telemetry.pack(PLAYING))
    assert bench.link.telemetry().state == "playing"


def test_the_reason_of_a_fault_stays_on_show(bench: Bench) -> None:
    fault = Report(state="fault", message="ValueError: no (voice.py:3)")
    bench.shared.telemetry.write(telemetry.pack(fault))
    for _ in range(2):
        seen = bench.link.telemetry()
        assert (seen.state, seen.message) == ("fault", fault.message)
        bench.clock.advance(60.0)


def test_the_end_is_no_fault(bench: Bench) -> None:
    bench.shared.telemetry.write(telemetry.pack(PLAYING._replace(state="stopping")))
    assert bench.link.telemetry().state == "playing"


def test_a_parameter_reaches_the_sound_and_a_bad_one_does_not(bench: Bench) -> None:
    bench.link.set("temperature", 0.5)
    assert bench.link.get("temperature") == 0.5
    record = bench.shared.parameters.read()
    assert record is not None and unpack_values(record)["temperature"] == 0.5
    count = bench.shared.parameters.sequence
    for name, value in (
        ("temperature", 9.0),
        ("nonsense", 1.0),
        ("seed", 1.5),
        ("level", float("nan")),
    ):
        with pytest.raises(UserError) as caught:
            bench.link.set(name, value)
        assert name in str(caught.value)
    with pytest.raises(UserError):
        bench.link.get("nonsense")
    bench.link.set("temperature", 0.5)
    assert bench.shared.parameters.sequence == count


def test_a_jack_reaches_the_sound_and_a_bad_one_does_not(bench: Bench) -> None:
    bench.link.set_jack(2, source="sine", volts=1.5, rate=3.0, depth=2.0)
    jack = bench.patched().describe()["jacks"][1]
    assert (jack["source"], jack["value"], jack["rate"], jack["depth"]) == ("sine", 1.5, 3.0, 2.0)
    assert bench.link.jacks()["cv"][1] == {
        "source": "sine",
        "volts": 1.5,
        "rate": 3.0,
        "depth": 2.0,
        "gain": 1.0,
        "offset": 0.0,
        "noise": 0.0,
    }
    bench.link.set_jack(2, gain=1.1, offset=-0.3, noise=0.02)
    jack = bench.patched().describe()["jacks"][1]
    assert (jack["gain"], jack["offset"], jack["noise"]) == (1.1, -0.3, 0.02)
    assert bench.link.jacks()["cv"][1]["offset"] == -0.3
    before = bench.shared.panel.read()
    bad: List[Any] = [
        (5, {"volts": 1.0}),
        (0, {"volts": 1.0}),
        (1, {"volts": 11.0}),
        (1, {"volts": "1"}),
        (1, {"source": "noise"}),
        (1, {"noise": -0.1}),
        (1, {"gain": 3.0}),
        (1, {"value": 1.0}),
        (1, {"volts": 1.0, "colour": 3}),
    ]
    for index, changes in bad:
        with pytest.raises(UserError):
            bench.link.set_jack(index, **changes)
    assert bench.shared.panel.read() == before


def test_unpatched_jacks_are_manual_at_zero_volts(bench: Bench) -> None:
    assert {jack["source"] for jack in bench.link.jacks()["cv"]} == {"manual"}
    assert {jack["volts"] for jack in bench.link.jacks()["cv"]} == {0.0}


def test_a_calibration_reaches_the_sound_at_once_and_outlives_the_face(bench: Bench) -> None:
    assert bench.link.calibration() == Calibration()
    bench.link.set_calibration(CALIBRATION)
    assert unpack_calibration(bench.shared.calibration.read()) == CALIBRATION
    assert bench.new_link().calibration() == CALIBRATION


def test_what_the_jacks_read_before_calibration_is_told(bench: Bench) -> None:
    raw, spread = (1.0, -2.0, 0.5, 0.0), (0.25, 0.5, 0.0, 0.0)
    report = PLAYING._replace(
        raw=raw, spread=spread, faults=("", "CV 1 is not there."), midi_garbage=7
    )
    bench.shared.telemetry.write(telemetry.pack(report))
    seen = bench.link.telemetry()
    assert (seen.raw, seen.spread, seen.fault) == (raw, spread, "CV 1 is not there.")
    assert seen.midi_garbage == 7


def test_events_of_the_sound_process_are_taken_once(bench: Bench) -> None:
    writer = EventWriter(bench.shared.events)
    writer.put(Event(PROGRAM, 3))
    assert bench.link.take_events() == [Event(PROGRAM, 3)]
    assert bench.link.take_events() == []


def test_buttons_are_sent_once_per_change(bench: Bench) -> None:
    bench.link.set_gate(1, True)
    bench.link.set_gate(1, True)
    bench.link.set_gate(2, True)
    bench.link.set_gate(1, False)
    assert bench.receiver.drain() == [
        GatePress(1, True),
        GatePress(2, True),
        GatePress(1, False),
    ]
    assert [gate["down"] for gate in bench.link.jacks()["gates"]] == [False, True]
    for index in (0, 3, True, "1"):
        with pytest.raises(UserError):
            bench.link.set_gate(index, True)  # type: ignore[arg-type]


def test_a_gate_clock_reaches_the_sound(bench: Bench) -> None:
    bench.link.set_clock(2, True, 4.0)
    gate = bench.patched().describe()["gates"][1]
    assert (gate["clock"], gate["rate"]) == (True, 4.0)
    assert bench.link.jacks()["gates"][1] == {"down": False, "clock": True, "rate": 4.0}
    with pytest.raises(UserError):
        bench.link.set_clock(2, True, 1000.0)


def test_a_face_that_is_started_again_finds_everything_as_it_was(bench: Bench) -> None:
    bench.link.set("seed", 42.0)
    bench.link.set_jack(4, source="square", rate=2.0)
    bench.link.set_clock(1, True, 8.0)
    again = bench.new_link()
    assert again.get("seed") == 42.0
    assert again.jacks() == bench.link.jacks()


def test_the_sound_is_read_from_the_ring(bench: Bench) -> None:
    position, samples = bench.link.read_audio(-1)
    assert (position, len(samples)) == (0, 0)
    bench.shared.ring.write(np.arange(10, dtype=np.float32))
    position, samples = bench.link.read_audio(position)
    assert position == 10 and samples.tolist() == list(range(10))
