"""MIDI in: notes are gates with their time, garbage never harms, ports come and go."""

import errno
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.drivers.midi_ports import LOOK_SECONDS, MidiPorts
from neurorave_device.inputs.base import Edge
from neurorave_device.inputs.gate_sum import GateSum
from neurorave_device.inputs.midi import MidiIn
from neurorave_device.inputs.midi_bytes import MidiBytes
from neurorave_device.link.events import CONTROLLER, PROGRAM, Event, EventReader, EventWriter
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.parameters import by_id, default_values
from tests.device.fake_midi import FakePorts, Keyboard

Found = List[Tuple[int, bool]]


class Bench:
    """MIDI in over ports by hand, with its settings and what it tells the face."""

    def __init__(self) -> None:
        self.shared = SharedMemory.create(ring_samples=64)
        self.ports = FakePorts()
        self.midi = MidiIn(self.shared.parameters, EventWriter(self.shared.events), self.ports)
        self.reader = EventReader(self.shared.events)
        self.values: Dict[str, float] = default_values()
        self.now = 1.0
        self.set(**{"midi.on": "on"})

    def set(self, **values: Any) -> None:
        for key, value in values.items():
            self.values[key] = by_id(key).parse(value)
        self.shared.parameters.write(pack_values(self.values))

    def read(self) -> Found:
        self.now += 0.001
        edges = self.midi.read(self.now)
        assert all(edge.time == self.now for edge in edges)
        return [(edge.gate, edge.rising) for edge in edges]

    def send(self, *data: int, port: str = "one") -> Found:
        self.ports.send(*data, port=port)
        return self.read()

    def close(self) -> None:
        self.shared.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_it_is_off_until_it_is_switched_on() -> None:
    bench = Bench()
    try:
        assert by_id("midi.on").default == 0.0
        bench.set(**{"midi.on": 0})
        assert bench.send(0x90, 60, 100) == []
        assert not bench.ports.opened
    finally:
        bench.close()


def test_a_note_opens_the_gate_and_its_end_closes_it(bench: Bench) -> None:
    assert bench.send(0x90, 60, 100) == [(1, True)]
    assert bench.send(0x80, 60, 0) == [(1, False)]
    # Most keyboards say so with a velocity of 0.
    assert bench.send(0x91, 60, 1) == [(1, True)]
    assert bench.send(0x91, 60, 0) == [(1, False)]


def test_running_status_and_a_clock_in_between(bench: Bench) -> None:
    assert bench.send(0x90, 60, 100, 60, 0, 61, 0xF8, 1, 61, 0) == [
        (1, True),
        (1, False),
        (1, True),
        (1, False),
    ]
    # Cut anywhere.
    found: Found = []
    for byte in (0x90, 60, 100, 60, 0):
        found += bench.send(byte)
    assert found == [(1, True), (1, False)]
    assert bench.midi.garbage == 0


def test_each_of_several_held_notes_is_heard_and_the_last_one_closes(bench: Bench) -> None:
    assert bench.send(0x90, 60, 100) == [(1, True)]
    assert bench.send(0x90, 64, 100) == [(1, False), (1, True)]
    assert bench.send(0x80, 60, 0) == []
    assert bench.send(0x80, 64, 0) == [(1, False)]
    # The end of a note that never began.
    assert bench.send(0x80, 64, 0) == []


@pytest.mark.parametrize("end", [(0xB0, 123, 0), (0xB0, 120, 0), (0xB0, 126, 1), (0xFF,)])
def test_all_notes_off(bench: Bench, end: Tuple[int, ...]) -> None:
    bench.send(0x90, 60, 100, 64, 100, 67, 100)
    assert bench.send(*end) == [(1, False)]
    assert bench.send(0x80, 60, 0) == []


def test_a_note_that_is_played_again_without_an_end_is_heard_again(bench: Bench) -> None:
    bench.send(0x90, 60, 100)
    assert bench.send(0x90, 60, 100) == [(1, False), (1, True)]
    assert bench.send(0x80, 60, 0) == [(1, False)]


def test_all_notes_off_of_another_channel_leaves_these(bench: Bench) -> None:
    bench.send(0x90, 60, 100)
    assert bench.send(0xB1, 123, 0) == []


@pytest.mark.parametrize(
    "setting, expected",
    [
        ("gate 1", [(1, True), (1, False), (1, True)]),
        ("gate 2", [(2, True), (2, False), (2, True)]),
        ("split at C4", [(1, True), (2, True)]),
        ("off", []),
    ],
)
def test_which_gate_a_note_opens(bench: Bench, setting: str, expected: Found) -> None:
    bench.set(**{"midi.notes": setting})
    assert bench.send(0x90, 59, 100, 60, 100) == expected


def test_only_the_channel_that_was_chosen_is_heard(bench: Bench) -> None:
    bench.set(**{"midi.channel": "3"})
    assert bench.send(0x90, 60, 100, 0xB1, 7, 64, 0xC3, 5) == []
    assert bench.send(0x92, 60, 100, 0xB2, 7, 127, 0xC2, 5) == [(1, True)]
    assert bench.reader.take() == [Event(CONTROLLER, 7, 1.0), Event(PROGRAM, 5)]


def test_controllers_and_programs_are_told_to_the_face(bench: Bench) -> None:
    bench.send(0xB0, 74, 0, 74, 127, 0xC0, 12)
    expected = [Event(CONTROLLER, 74, 0.0), Event(CONTROLLER, 74, 1.0), Event(PROGRAM, 12)]
    assert bench.reader.take() == expected
    bench.set(**{"midi.programs": "off"})
    bench.send(0xC0, 12)
    assert bench.reader.take() == []


@pytest.mark.parametrize(
    "change", [{"midi.on": "off"}, {"midi.notes": "gate 2"}, {"midi.channel": "9"}]
)
def test_what_is_held_ends_when_the_settings_change(bench: Bench, change: Dict[str, Any]) -> None:
    bench.send(0x90, 60, 100)
    bench.set(**change)
    assert bench.read() == [(1, False)]
    bench.set(level=-3.0)
    assert bench.read() == []


def test_without_mido_there_is_a_sentence(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mido", None)
    assert bench.send(0x90, 60, 100) == []
    assert "mido" in bench.midi.fault and "[midi]" in bench.midi.fault
    monkeypatch.undo()
    bench.set(**{"midi.on": "off"})
    bench.read()
    assert bench.midi.fault == ""


@given(st.lists(st.one_of(st.binary(max_size=20), st.integers(0, 3)), max_size=20))
@settings(max_examples=150, deadline=None)
def test_garbage_never_harms(pieces: List[Any]) -> None:
    bench = Bench()
    try:
        levels = [False, False]
        for piece in pieces:
            if isinstance(piece, int):
                bench.set(**{"midi.notes": piece})
                found = bench.read()
            else:
                found = bench.send(*piece)
            for gate, rising in found:
                # Edges alternate: no gate rises twice.
                assert levels[gate - 1] != rising
                levels[gate - 1] = rising
        # After a whole message of system exclusive nothing is left over, and notes are heard.
        bench.set(**{"midi.notes": "gate 1"})
        bench.read()
        bench.send(0xF7, 0xB0, 123, 0, 0xFF)
        assert bench.send(0x95, 11, 99) == [(1, True)]
        for event in bench.reader.take():
            assert 0 <= event.number < 128 and 0.0 <= event.value <= 1.0
    finally:
        bench.close()


MESSAGES = st.one_of(
    st.builds(
        lambda channel, note, velocity: mido.Message(
            "note_on", channel=channel, note=note, velocity=velocity
        ),
        st.integers(0, 15),
        st.integers(0, 127),
        st.integers(0, 127),
    ),
    st.builds(
        lambda channel, control, value: mido.Message(
            "control_change", channel=channel, control=control, value=value
        ),
        st.integers(0, 15),
        st.integers(0, 127),
        st.integers(0, 127),
    ),
    st.builds(
        lambda channel, program: mido.Message("program_change", channel=channel, program=program),
        st.integers(0, 15),
        st.integers(0, 127),
    ),
    st.builds(lambda value: mido.Message("pitchwheel", pitch=value), st.integers(-8192, 8191)),
)


@given(st.lists(MESSAGES, max_size=20), st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_messages_with_running_status_are_what_they_were(messages: List[Any], piece: int) -> None:
    data: List[int] = []
    last = None
    for message in messages:
        raw = message.bytes()
        data += raw[1:] if raw[0] == last else raw
        last = raw[0]
    stream = MidiBytes()
    found = []
    for at in range(0, len(data), piece):
        found += stream.feed(bytes(data[at : at + piece]))
    assert [message.bytes() for message in found] == [message.bytes() for message in messages]
    assert stream.garbage == 0


@pytest.mark.parametrize(
    "data, garbage",
    [
        ([1, 2, 3], 3),
        ([0x90, 60, 0x90, 60, 100], 1),
        ([0xF0, 1, 2, 3, 0xF7], 0),
        ([0xF2, 1, 2, 3], 1),
        ([0xF4, 5, 0xF9], 1),
    ],
)
def test_what_is_no_midi_is_counted(data: List[int], garbage: int) -> None:
    stream = MidiBytes()
    stream.feed(bytes(data))
    assert stream.garbage == garbage


def test_a_gate_is_the_sum_of_its_sources() -> None:
    total = GateSum()
    assert total.feed("jacks", Edge(1, True, 1.0)) == [Edge(1, True, 1.0)]
    # A note while a cable holds the gate is heard.
    assert total.feed("notes", Edge(1, True, 2.0)) == [Edge(1, False, 2.0), Edge(1, True, 2.0)]
    assert total.feed("jacks", Edge(1, False, 3.0)) == []
    assert total.feed("notes", Edge(1, False, 4.0)) == [Edge(1, False, 4.0)]
    assert total.feed("notes", Edge(1, False, 5.0)) == []


def test_ports_come_and_go(tmp_path: Path) -> None:
    ports = MidiPorts(str(tmp_path))
    assert ports.read(0.0) == []
    keyboard = Keyboard(tmp_path)
    # Looked for once a second, not at every scan.
    assert ports.read(0.5 * LOOK_SECONDS) == [] and ports.ports == ()
    ports.read(LOOK_SECONDS)
    assert ports.ports == (str(tmp_path / "midiC0D0"),)
    keyboard.send(0x90, 60, 100)
    found = ports.read(LOOK_SECONDS + 0.001)
    assert [(heard.data, heard.gone) for heard in found] == [(bytes([0x90, 60, 100]), False)]
    keyboard.unplug()
    assert [heard.gone for heard in ports.read(LOOK_SECONDS + 0.002)] == [True]
    assert ports.ports == ()
    again = Keyboard(tmp_path)
    ports.read(2 * LOOK_SECONDS)
    assert len(ports.ports) == 1
    assert len(ports.close()) == 1
    again.unplug()


def test_a_keyboard_that_is_unplugged_lets_its_notes_end(tmp_path: Path) -> None:
    bench = Bench()
    bench.midi = MidiIn(
        bench.shared.parameters, EventWriter(bench.shared.events), MidiPorts(str(tmp_path))
    )
    keyboard, other = Keyboard(tmp_path), Keyboard(tmp_path, "midiC1D0")
    try:
        bench.read()
        keyboard.send(0x90, 60, 100)
        assert bench.read() == [(1, True)]
        other.send(0x90, 60, 100)
        assert bench.read() == [(1, False), (1, True)]
        keyboard.unplug()
        assert bench.read() == []
        other.unplug()
        assert bench.read() == [(1, False)]
    finally:
        bench.close()


@pytest.mark.parametrize(
    "number, word",
    [(errno.EBUSY, "another program has it"), (errno.EACCES, "group audio"), (errno.ENXIO, "")],
)
def test_a_port_that_cannot_be_opened_is_said(tmp_path: Path, number: int, word: str) -> None:
    (tmp_path / "midiC2D0").write_text("")

    def opening(path: str, flags: int) -> int:
        raise OSError(number, os.strerror(number))

    ports = MidiPorts(str(tmp_path), opening)
    assert ports.read(0.0) == []
    assert word in ports.fault and bool(ports.fault) == bool(word)
    (tmp_path / "midiC2D0").unlink()
    ports.read(LOOK_SECONDS)
    assert ports.fault == ""
