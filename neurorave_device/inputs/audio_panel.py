"""A DC-coupled sound card in the place of the front panel: four CVs and two gates from six of its inputs.

A sample's time on the stream is taken from when the card's blocks come in, smoothed (`sample_clock.py`), so a gate's
delay is the same for each: the card's own latency and one block. CVs are read with that delay too, an average over a
millisecond.
"""

import threading
from typing import Any, List, Optional, Tuple

import numpy as np

from neurorave_device.audio.cards import import_backend, look_again
from neurorave_device.clock import Clock, SystemClock
from neurorave_device.drivers.debounce import Debounce
from neurorave_device.drivers.device import DeviceError, reason
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import SILENT_VOLTS, Edge, Panel, Volts
from neurorave_device.inputs.card_input import CardInput, choose_input
from neurorave_device.inputs.sample_clock import SampleClock
from neurorave_device.inputs.schmitt import SchmittTrigger
from neurorave_device.machine.audio_jacks import AudioJacks
from neurorave_device.parameters import CV_COUNT, GATE_COUNT
from neurorave_device.processes.realtime import BACKGROUND_PRIORITY, Worker

WATCH_SECONDS = 0.1
RETRY_SECONDS = 1.0
# A card that gives nothing for so long is gone, whatever it says; some take 2 s to begin.
STALL_SECONDS = 4.0
# What CVs are averaged over.
CV_SECONDS = 0.001
# A gate that chatters changes at most so often; the first change counts at once.
GATE_HOLD = 0.001


class _Reading:
    """What the inputs thread knows of one stream: where its samples are on the output's, and how the gates are."""

    def __init__(self, card: CardInput) -> None:
        self.card = card
        self.seen = 0
        self.clock = SampleClock(card.rate)
        # The first sample of a block arrives with its last one.
        self.delay = card.block / float(card.rate)
        self.triggers = [SchmittTrigger() for _ in range(GATE_COUNT)]
        self.gates: List[Debounce] = []

    def time_of(self, sample: float) -> float:
        """Return the stream's time at which a sample acts."""
        return self.clock.time_of(sample) + self.delay

    def sample_at(self, time: float) -> float:
        """Return the sample that acts at a time of the stream."""
        return self.clock.position_at(time - self.delay)


class AudioPanel(Panel):
    """The panel `audio`; `stream` is the clock that its edges are stamped with.

    A card that is not there, has too few inputs or is unplugged is looked for by a thread of its own. Meanwhile the
    CVs stay where they were and the gates are low.  `backend` stands in for the sounddevice module in tests, which
    call `watch` themselves where `threads` is False.
    """

    def __init__(
        self,
        jacks: AudioJacks,
        stream: Clock,
        backend: Any = None,
        clock: Optional[Clock] = None,
        threads: bool = True,
    ) -> None:
        self._jacks = jacks
        self._stream = stream
        self._backend = backend
        self._clock = clock or SystemClock()
        self._scale = -jacks.volts if jacks.inverted else jacks.volts
        self._fault = ""
        # Given by the watching thread, taken by the inputs thread.
        self._card: Optional[CardInput] = None
        self._blocks_seen = -1
        self._seen_at = 0.0
        self._retry_at = float("-inf")
        self._reading: Optional[_Reading] = None
        self._volts = SILENT_VOLTS
        self._waiting: List[Edge] = []
        self._stopping = threading.Event()
        self._watcher: Optional[Worker] = None
        self._threads = threads

    @property
    def faults(self) -> Tuple[str, ...]:
        return (self._fault,)

    def read(self, now: float) -> Volts:
        self._start()
        self._collect()
        reading = self._reading
        if reading is not None:
            end = min(int(reading.sample_at(now)), reading.card.written)
            rows = reading.card.rows(end - max(1, int(CV_SECONDS * reading.card.rate)), end)
            if len(rows):
                # A sum over rows is much quicker than their mean.
                means = np.add.reduce(rows) * (self._scale / len(rows))
                first, second, third, fourth = means.tolist()[:CV_COUNT]
                self._volts = first, second, third, fourth
        return self._volts

    def take_edges(self, until: float) -> Tuple[Edge, ...]:
        self._start()
        self._collect()
        reading = self._reading
        if reading is not None:
            for number, gate in enumerate(reading.gates, 1):
                self._add(number, gate.settle(until))
        taken = [edge for edge in self._waiting if edge.time <= until]
        self._waiting = self._waiting[len(taken) :]
        return tuple(taken)

    def close(self) -> None:
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join(2.0)
        card, self._card = self._card, None
        if card is not None:
            card.close()

    def watch(self) -> None:
        """Look once whether the card still gives something, or whether one is there again.  Watching thread."""
        now = self._clock.now()
        card = self._card
        if card is None:
            if now >= self._retry_at:
                self._retry_at = now + RETRY_SECONDS
                self._open(now)
            return
        if card.written != self._blocks_seen:
            self._blocks_seen, self._seen_at = card.written, now
        if not card.running or now - self._seen_at > STALL_SECONDS:
            self._card = None
            card.close()
            self._retry_at = now + RETRY_SECONDS
            self._fault = self._sentence(card.name, "gone")

    def _start(self) -> None:
        if self._threads and self._watcher is None:
            self._watcher = Worker("card inputs", BACKGROUND_PRIORITY, self._run)
            self._watcher.start()

    def _run(self) -> None:
        while True:
            self.watch()
            if self._stopping.wait(WATCH_SECONDS):
                return

    def _open(self, now: float) -> None:
        name = self._jacks.device or "the default"
        try:
            if self._backend is None:
                self._backend = import_backend()
            backend, jacks = self._backend, self._jacks
            if self._fault:
                look_again(backend)
            index = choose_input(backend, jacks.device)
            name = str(backend.query_devices()[index]["name"])
            latency = "low" if jacks.latency_ms is None else 1e-3 * jacks.latency_ms
            card = CardInput(
                backend, index, jacks.channels, jacks.rate, jacks.block, latency, self._stream
            )
        except (DeviceError, UserError, OSError) as error:
            self._fault = self._sentence(name, reason(error))
            return
        except self._errors() as error:
            self._fault = self._sentence(name, " ".join(str(error).split()))
            return
        self._blocks_seen, self._seen_at = -1, now
        self._fault = ""
        self._card = card

    def _errors(self) -> Any:
        return () if self._backend is None else self._backend.PortAudioError

    def _sentence(self, name: str, why: str) -> str:
        return "The sound card %r with the jacks: %s; it is looked for." % (name, why)

    def _collect(self) -> None:
        """Take over what the callback has written since the last time."""
        card, reading = self._card, self._reading
        if reading is not None and reading.card is not card:
            for number, gate in enumerate(reading.gates, 1):
                self._add(number, gate.drop(self._stream.now()))
            self._reading = reading = None
        if card is None:
            return
        if reading is None:
            self._reading = reading = _Reading(card)
        end, arrived = card.arrival
        if end > reading.seen:
            reading.clock.anchor(end, arrived)
            self._find_edges(reading, end)
            reading.seen = end

    def _find_edges(self, reading: _Reading, end: int) -> None:
        rows = reading.card.rows(reading.seen, end)
        start = end - len(rows)
        first = not reading.gates
        for place, trigger in enumerate(reading.triggers):
            found = trigger.feed(self._scale * rows[:, CV_COUNT + place])
            if first:
                # What is high already when the card is opened has to be low once.
                reading.gates.append(Debounce(GATE_HOLD, trigger.level))
                continue
            for index, rising in found:
                self._add(
                    place + 1,
                    reading.gates[place].feed(rising, reading.time_of(start + index)),
                )

    def _add(self, number: int, changes: List[Tuple[float, bool]]) -> None:
        """Keep edges in the order of their times."""
        for time, rising in changes:
            self._waiting.append(Edge(number, rising, time))
        self._waiting.sort(key=lambda edge: edge.time)
