"""How hot the machine is: the thermal zones of Linux, read on a schedule of their own.

A sensor may be behind a slow bus and take milliseconds, or never answer, so a thread that nothing waits for reads it.
"""

import os
import threading
from typing import List, NamedTuple, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.processes.realtime import BACKGROUND_PRIORITY, Worker

FOLDER = "/sys/class/thermal"
# At a passive trip point the kernel slows the processor down; easing begins before that.
BELOW_TRIP = 5.0
# Where no zone says when it becomes too hot.
LIMIT_WITHOUT_TRIP = 80.0
READ_SECONDS = 2.0
# A reading that is older is not a reading: the sensor hangs.
_STALE_SECONDS = 15.0
# Trip points outside are no processor's: not set (0, -274), or of a zone that feels the case.
_LOWEST_TRIP, _HIGHEST_TRIP = 60.0, 125.0
_COLDEST, _HOTTEST = -55.0, 150.0
# On Jetson boards this is a fixed number, 100 C on most, whatever the temperature.
_NO_SENSORS = ("PMIC-Die",)
_MOST_TRIPS = 16


class Heat(NamedTuple):
    """One zone now: ``celsius``, and the ``limit`` above which the module eases; ``passive``: from a trip point."""

    zone: str
    celsius: float
    limit: float
    passive: bool


class Zones:
    """The zones under a folder; one thread. No method raises: what cannot be read is not there."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder
        self._zones: List[Tuple[str, str, Optional[float]]] = []

    def read(self) -> Optional[Heat]:
        """Return the zone that is nearest to its limit, or farthest above; None where none can be read."""
        found = self._read_known()
        if found is None:
            # The first call, or the driver was not there yet.
            self._zones = _find(self._folder)
            found = self._read_known()
        return found

    def _read_known(self) -> Optional[Heat]:
        # Trip points tell which zones are the processor's; others count only where there are none.
        passive = any(trip is not None for _, _, trip in self._zones)
        found = []
        for path, name, trip in self._zones:
            celsius = _celsius(os.path.join(path, "temp"))
            if celsius is None or (passive and trip is None):
                continue
            limit = LIMIT_WITHOUT_TRIP if trip is None else trip - BELOW_TRIP
            found.append(Heat(name, celsius, limit, trip is not None))
        return max(found, key=lambda heat: heat.celsius - heat.limit) if found else None


class Watch:
    """Reads the zones every two seconds in a thread of its own."""

    def __init__(self, clock: Clock, folder: str = FOLDER) -> None:
        self._clock = clock
        self._zones = Zones(folder)
        self._newest: Optional[Tuple[float, Optional[Heat]]] = None
        self._stop = threading.Event()
        # No lower: whoever holds the interpreter's lock must not lose its core to a program.
        self._worker = Worker("thermal", BACKGROUND_PRIORITY, self._run)

    def start(self) -> None:
        """Begin to read."""
        self._worker.start()

    def stop(self) -> None:
        """Read no more; a sensor that hangs is not waited for."""
        self._stop.set()

    def newest(self) -> Optional[Heat]:
        """Return the newest reading, None where there is none or it is too old. Any thread, at once."""
        newest = self._newest
        if newest is None or self._clock.now() - newest[0] > _STALE_SECONDS:
            return None
        return newest[1]

    def read_once(self) -> None:
        """Read all zones; the thread does so again and again."""
        heat = self._zones.read()
        self._newest = (self._clock.now(), heat)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.read_once()
            self._stop.wait(READ_SECONDS)


def _find(folder: str) -> List[Tuple[str, str, Optional[float]]]:
    """Return path, type and lowest passive trip point of each zone."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith("thermal_zone"))
    except OSError:
        return []
    found = []
    for name in names:
        path = os.path.join(folder, name)
        kind = _text(os.path.join(path, "type")) or name
        if kind not in _NO_SENSORS:
            found.append((path, kind, _passive_trip(path)))
    return found


def _passive_trip(path: str) -> Optional[float]:
    trips = []
    for number in range(_MOST_TRIPS):
        if _text(os.path.join(path, "trip_point_%d_type" % number)) == "passive":
            celsius = _celsius(os.path.join(path, "trip_point_%d_temp" % number))
            if celsius is not None and _LOWEST_TRIP <= celsius <= _HIGHEST_TRIP:
                trips.append(celsius)
    return min(trips) if trips else None


def _celsius(path: str) -> Optional[float]:
    """Return the temperature in a file of millidegrees, None where there is none that can be."""
    try:
        celsius = int(_text(path)) / 1000.0
    except (ValueError, OverflowError):
        return None
    return celsius if _COLDEST < celsius < _HOTTEST else None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as handle:
            return str(handle.read(64), "utf-8", "replace").strip()
    except OSError:
        return ""
