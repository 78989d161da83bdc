"""Input lines as events of the GPIO character device: each edge with the time at which the kernel saw it.

The uAPI is spoken directly, since its two Python libraries exclude each other and Jetson.GPIO drops the time stamps.
"""

import errno
import fcntl
import glob
import os
from typing import Dict, List, Sequence, Union

from neurorave_device.drivers import gpio_abi as abi
from neurorave_device.drivers.device import DeviceError
from neurorave_device.drivers.pins import PinEvent, Pins
from neurorave_device.drivers.stamps import age

CONSUMER = "neurorave"
_EVENTS_PER_READ = 16
# A line that chatters without end must not hold the thread.
_READS_AT_ONCE = 16
# What a kernel answers that does not know version 2.
_UNKNOWN = (errno.EINVAL, errno.ENOTTY)


class Kernel:
    """The few system calls that are needed, as an object, so that a test can stand in for the kernel."""

    def chips(self) -> List[str]:
        """Return the paths of all GPIO chips."""
        return sorted(glob.glob("/dev/gpiochip*"))

    def open(self, path: str) -> int:
        """Open a chip."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, number: int, argument: bytearray) -> None:
        """Ask the kernel; it changes `argument`."""
        fcntl.ioctl(descriptor, number, argument, True)

    def unblock(self, descriptor: int) -> None:
        """Let reading return at once where there is nothing."""
        os.set_blocking(descriptor, False)

    def read(self, descriptor: int, size: int) -> bytes:
        """Read; BlockingIOError where there is nothing."""
        return os.read(descriptor, size)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def age(self, stamp: int) -> float:
        """Return how many seconds ago a time stamp of an event was."""
        return age(stamp)


class LinePins(Pins):
    """Lines of one chip, named by its label (or its path): version 2 of the interface, or else version 1.

    DeviceError or OSError where the chip is not there or a line is taken.
    """

    def __init__(
        self, chip: str, lines: Sequence[int], inverted: bool, kernel: Union[Kernel, None] = None
    ) -> None:
        self._kernel = kernel if kernel is not None else Kernel()
        self._lines = list(lines)
        self.version = 2
        # Version 2 has one descriptor for all lines, version 1 one for each.
        self._descriptors: List[int] = []
        opened = self._open_chip(chip)
        try:
            try:
                self._request_v2(opened, inverted)
            except OSError as error:
                if error.errno not in _UNKNOWN:
                    raise
                self.version = 1
                self._request_v1(opened, inverted)
        except OSError as error:
            self.close()
            if error.errno == errno.EBUSY:
                raise DeviceError("used by another program") from None
            if error.errno in _UNKNOWN:
                raise DeviceError("%s has no such line or gives no events" % chip) from None
            raise
        finally:
            # The lines stay with their own descriptors.
            self._kernel.close(opened)

    def read(self) -> List[PinEvent]:
        raw: List[abi.RawEvent] = []
        for place, descriptor in enumerate(self._descriptors):
            raw += self._drain(descriptor, place)
        # Stamps come from one clock, so that they order the events of several descriptors.
        raw.sort(key=lambda event: event.stamp)
        places = {line: place for place, line in enumerate(self._lines)}
        return [
            PinEvent(places[event.line], event.rising, self._kernel.age(event.stamp))
            for event in raw
        ]

    def levels(self) -> List[bool]:
        if self.version == 2:
            values = abi.pack_v2_values(len(self._lines))
            self._kernel.ioctl(self._descriptors[0], abi.V2_GET_VALUES, values)
            return abi.unpack_v2_values(values, len(self._lines))
        levels = []
        for descriptor in self._descriptors:
            values = abi.pack_v1_values()
            self._kernel.ioctl(descriptor, abi.V1_GET_VALUES, values)
            levels.append(bool(values[0]))
        return levels

    def close(self) -> None:
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            self._kernel.close(descriptor)

    def _open_chip(self, chip: str) -> int:
        if chip.startswith("/"):
            return self._kernel.open(chip)
        seen: Dict[str, str] = {}
        for path in self._kernel.chips():
            descriptor = self._kernel.open(path)
            info = bytearray(abi.CHIP_INFO_BYTES)
            try:
                self._kernel.ioctl(descriptor, abi.GET_CHIP_INFO, info)
            except OSError:
                self._kernel.close(descriptor)
                raise
            label = abi.unpack_chip(bytes(info))[1]
            if label == chip:
                return descriptor
            self._kernel.close(descriptor)
            seen[label] = path
        if not seen:
            raise DeviceError(
                "this kernel shows no GPIO chip",
                "switch its GPIO on (/dev/gpiochip0), or choose another panel than jetson",
            )
        raise DeviceError(
            "no GPIO chip is called %s here" % chip,
            "set gpio_chip in the section board to the one that the pins are on (%s)"
            % " or ".join(sorted(seen)),
        )

    def _request_v2(self, chip: int, inverted: bool) -> None:
        request = abi.pack_v2_request(self._lines, inverted, CONSUMER)
        self._kernel.ioctl(chip, abi.V2_GET_LINE, request)
        self._take(abi.v2_descriptor(request))

    def _request_v1(self, chip: int, inverted: bool) -> None:
        for line in self._lines:
            request = abi.pack_v1_request(line, inverted, CONSUMER)
            self._kernel.ioctl(chip, abi.V1_GET_EVENT, request)
            self._take(abi.v1_descriptor(request))

    def _take(self, descriptor: int) -> None:
        self._descriptors.append(descriptor)
        self._kernel.unblock(descriptor)

    def _drain(self, descriptor: int, place: int) -> List[abi.RawEvent]:
        found: List[abi.RawEvent] = []
        size = abi.V2_EVENT_BYTES if self.version == 2 else abi.V1_EVENT_BYTES
        for _ in range(_READS_AT_ONCE):
            try:
                payload = self._kernel.read(descriptor, size * _EVENTS_PER_READ)
            except BlockingIOError:
                break
            if not payload:
                raise DeviceError("the lines are gone")
            try:
                if self.version == 2:
                    found += abi.unpack_v2_events(payload)
                else:
                    found += abi.unpack_v1_events(payload, self._lines[place])
            except ValueError as error:
                raise DeviceError("the kernel sent %s" % error) from None
            if len(payload) < size * _EVENTS_PER_READ:
                break
        return found
