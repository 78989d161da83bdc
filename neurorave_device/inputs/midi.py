"""MIDI in: notes open the gates, controllers and programs are told to the face."""

from typing import Any, Dict, List, Optional, Tuple

from neurorave_device.drivers.midi_ports import Heard, MidiPorts
from neurorave_device.inputs.base import Edge
from neurorave_device.inputs.gate_sum import GateSum
from neurorave_device.inputs.midi_bytes import MidiBytes
from neurorave_device.link.events import CONTROLLER, PROGRAM, Event, EventWriter
from neurorave_device.link.settings import setting
from neurorave_device.link.shared import Cell
from neurorave_device.parameters import by_id

MIDDLE_C = 60
_ALL_SOUND_OFF, _ALL_NOTES_OFF = 120, 123
# From here on a controller is a command of its own, and none that a knob sends.
_MODES = 120
_HIGHEST = 127.0

Note = Tuple[str, int, int]


class _Settings:
    """What the player has set of MIDI."""

    def __init__(self, record: Optional[bytes]) -> None:
        self.on = record is not None and setting(record, "midi.on") > 0.5
        self.channel = self.notes = ""
        self.programs = False
        if record is not None:
            self.channel = by_id("midi.channel").format(setting(record, "midi.channel"))
            self.notes = by_id("midi.notes").format(setting(record, "midi.notes"))
            self.programs = setting(record, "midi.programs") > 0.5

    def gate(self, note: int) -> int:
        """Return which gate a note opens, 0 for none."""
        if self.notes == "split at C4":
            return 1 if note < MIDDLE_C else 2
        return {"gate 1": 1, "gate 2": 2}.get(self.notes, 0)

    def hears(self, channel: int) -> bool:
        """Return whether messages of a channel, counted from 0, are for us."""
        return self.channel in ("all", str(channel + 1))


class MidiIn:
    """Reads the ports as the cell `parameters` says; belongs to the inputs thread, `fault` and `garbage` to any.

    Whatever a port sends, nothing is raised and the sound goes on.
    """

    def __init__(
        self, parameters: Cell, events: EventWriter, ports: Optional[MidiPorts] = None
    ) -> None:
        self._parameters = parameters
        self._events = events
        self._ports = MidiPorts() if ports is None else ports
        self._seen = -1
        self._settings = _Settings(None)
        self._bytes: Dict[str, MidiBytes] = {}
        self._held: Dict[Note, int] = {}
        self._sum = GateSum()
        self._missing = ""
        self._garbage = 0

    @property
    def fault(self) -> str:
        """One sentence where MIDI is on and cannot be heard, otherwise ''."""
        return self._missing or self._ports.fault

    @property
    def garbage(self) -> int:
        """How many bytes and messages came that are no MIDI, or that were cut off."""
        return self._garbage + sum(stream.garbage for stream in self._bytes.values())

    def read(self, now: float) -> List[Edge]:
        """Return the edges of what has come in; `now` is the stream's time."""
        edges = self._follow_settings(now)
        if self._settings.on and not self._missing:
            for heard in self._ports.read(now):
                edges += self._hear(heard, now)
        return edges

    def close(self) -> None:
        """Give the ports back."""
        self._ports.close()

    def _follow_settings(self, now: float) -> List[Edge]:
        sequence = self._parameters.sequence
        if sequence == self._seen:
            return []
        self._seen = sequence
        before, self._settings = self._settings, _Settings(self._parameters.read())
        if before.__dict__ == self._settings.__dict__:
            return []
        if not self._settings.on:
            self._missing = ""
            edges = [edge for gone in self._ports.close() for edge in self._hear(gone, now)]
            return edges + self._release(list(self._held), now)
        self._missing = _missing()
        # A note that began under other rules would never end.
        return self._release(list(self._held), now)

    def _hear(self, heard: Heard, now: float) -> List[Edge]:
        if heard.gone:
            stream = self._bytes.pop(heard.port, None)
            self._garbage += 0 if stream is None else stream.garbage
            return self._release([note for note in self._held if note[0] == heard.port], now)
        if heard.port not in self._bytes:
            self._bytes[heard.port] = MidiBytes()
        edges: List[Edge] = []
        for message in self._bytes[heard.port].feed(heard.data):
            edges += self._take(heard.port, message, now)
        return edges

    def _take(self, port: str, message: Any, now: float) -> List[Edge]:
        kind = message.type
        if kind == "reset":
            return self._release([note for note in self._held if note[0] == port], now)
        if not self._settings.hears(message.channel):
            return []
        if kind in ("note_on", "note_off"):
            note = (port, message.channel, message.note)
            if kind == "note_on" and message.velocity > 0:
                return self._press(note, now)
            return self._release([note], now)
        if kind == "control_change":
            return self._control(port, message, now)
        if kind == "program_change" and self._settings.programs:
            self._events.put(Event(PROGRAM, message.program))
        return []

    def _control(self, port: str, message: Any, now: float) -> List[Edge]:
        if message.control < _MODES:
            self._events.put(Event(CONTROLLER, message.control, message.value / _HIGHEST))
        elif message.control == _ALL_SOUND_OFF or message.control >= _ALL_NOTES_OFF:
            # The modes after it (omni, mono, poly) mean all notes off as well.
            channel = (port, message.channel)
            return self._release([note for note in self._held if note[:2] == channel], now)
        return []

    def _press(self, note: Note, now: float) -> List[Edge]:
        gate = self._settings.gate(note[2])
        # A note that is played again without having ended: its end was lost.
        edges = self._release([note], now)
        if gate:
            self._held[note] = gate
            edges += self._sum.feed("%s %d %d" % note, Edge(gate, True, now))
        return edges

    def _release(self, notes: List[Note], now: float) -> List[Edge]:
        edges: List[Edge] = []
        for note in notes:
            gate = self._held.pop(note, 0)
            if gate:
                edges += self._sum.feed("%s %d %d" % note, Edge(gate, False, now))
        return edges


def _missing() -> str:
    try:
        import mido  # noqa: F401
    except ImportError:
        return "MIDI needs the package mido: run `.venv/bin/pip install -e '.[midi]'`."
    return ""
