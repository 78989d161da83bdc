"""A kernel with one GPIO chip, by the structures of linux/gpio.h; knows version 1 alone or both, and nothing else."""

import ctypes
import errno
from collections import deque
from typing import Deque, Dict, List, Optional, Tuple

from neurorave_device.drivers.gpio_lines import Kernel
from neurorave_device.drivers.stamps import age

u8, u32, u64, i32, char = (
    ctypes.c_uint8,
    ctypes.c_uint32,
    ctypes.c_uint64,
    ctypes.c_int32,
    ctypes.c_char,
)
MONOTONIC, REALTIME = 1, 0
BASE = {MONOTONIC: 5000.0, REALTIME: 1.7e9}
# The kernel's own bounds: 16 edges a line in version 1.
V1_BUFFER = 16


class ChipInfo(ctypes.Structure):
    _fields_ = [("name", char * 32), ("label", char * 32), ("lines", u32)]


class EventRequest(ctypes.Structure):
    _fields_ = [
        ("lineoffset", u32),
        ("handleflags", u32),
        ("eventflags", u32),
        ("consumer_label", char * 32),
        ("fd", i32),
    ]


class EventData(ctypes.Structure):
    _fields_ = [("timestamp", u64), ("id", u32)]


class V2Attribute(ctypes.Structure):
    _fields_ = [("id", u32), ("padding", u32), ("value", u64), ("mask", u64)]


class V2Config(ctypes.Structure):
    _fields_ = [
        ("flags", u64),
        ("num_attrs", u32),
        ("padding", u32 * 5),
        ("attrs", V2Attribute * 10),
    ]


class V2Request(ctypes.Structure):
    _fields_ = [
        ("offsets", u32 * 64),
        ("consumer", char * 32),
        ("config", V2Config),
        ("num_lines", u32),
        ("event_buffer_size", u32),
        ("padding", u32 * 5),
        ("fd", i32),
    ]


class V2Event(ctypes.Structure):
    _fields_ = [
        ("timestamp_ns", u64),
        ("id", u32),
        ("offset", u32),
        ("seqno", u32),
        ("line_seqno", u32),
        ("padding", u32 * 6),
    ]


class V2Values(ctypes.Structure):
    _fields_ = [("bits", u64), ("mask", u64)]


class _Request:
    def __init__(self, version: int, lines: List[int], inverted: bool) -> None:
        self.version = version
        self.lines = lines
        self.inverted = inverted
        self.blocking = True
        self.events: Deque[bytes] = deque()


class FakeKernel(Kernel):
    """`now` is its time in seconds; `stamps` the clock of version 1, as before or after Linux 5.7."""

    def __init__(
        self, version: int = 2, stamps: int = MONOTONIC, label: str = "tegra-gpio"
    ) -> None:
        self.version = version
        self.stamps = stamps
        self.label = label
        self.now = 0.0
        self.high: Dict[int, bool] = {}
        self.busy: List[int] = []
        self.lose: int = 0
        self.half = False
        self.gone = False
        self.refused: Optional[int] = None
        self.open_descriptors: Dict[int, Optional[_Request]] = {}
        self._next = 100

    def set(self, line: int, high: bool) -> None:
        """Let the wire of a line change now."""
        if self.high.get(line, False) == high:
            return
        self.high[line] = high
        if self.lose:
            self.lose -= 1
            return
        for request in self.open_descriptors.values():
            if request is not None and line in request.lines:
                self._tell(request, line, high != request.inverted)

    def chips(self) -> List[str]:
        return ["/dev/gpiochip0", "/dev/gpiochip1"]

    def open(self, path: str) -> int:
        if self.refused is not None:
            raise OSError(self.refused, "refused")
        assert path in self.chips()
        self._next += 1
        self.open_descriptors[self._next] = None
        # The chip that is wanted is the second one.
        self._chips = dict(getattr(self, "_chips", {}))
        self._chips[self._next] = path
        return self._next

    def ioctl(self, descriptor: int, number: int, argument: bytearray) -> None:
        request = self.open_descriptors[descriptor]
        if request is None and number == 0x8044B401:
            second = self._chips[descriptor] == "/dev/gpiochip1"
            info = ChipInfo.from_buffer(argument)
            info.name, info.lines = b"gpiochip", 256
            info.label = self.label.encode() if second else b"max77620-gpio"
        elif request is None and number == 0xC030B404:
            event = EventRequest.from_buffer(argument)
            assert event.handleflags & ~4 == 1 and event.eventflags == 3
            assert event.consumer_label == b"neurorave"
            event.fd = self._grant(_Request(1, [event.lineoffset], bool(event.handleflags & 4)))
        elif request is None and number == 0xC250B407 and self.version == 2:
            wanted = V2Request.from_buffer(argument)
            assert wanted.config.flags & ~2 == 0x34 and wanted.config.num_attrs == 0
            assert not any(wanted.padding) and not any(wanted.config.padding)
            assert wanted.consumer == b"neurorave"
            lines = list(wanted.offsets)[: wanted.num_lines]
            wanted.fd = self._grant(_Request(2, lines, bool(wanted.config.flags & 2)))
        elif request is not None and request.version == 1 and number == 0xC040B408:
            values = (u8 * 64).from_buffer(argument)
            values[0] = self.high.get(request.lines[0], False) != request.inverted
        elif request is not None and request.version == 2 and number == 0xC010B40E:
            answer = V2Values.from_buffer(argument)
            assert answer.mask == (1 << len(request.lines)) - 1
            answer.bits = sum(
                (self.high.get(line, False) != request.inverted) << place
                for place, line in enumerate(request.lines)
            )
        else:
            raise OSError(errno.EINVAL, "Invalid argument")

    def unblock(self, descriptor: int) -> None:
        request = self.open_descriptors[descriptor]
        assert request is not None
        request.blocking = False

    def read(self, descriptor: int, size: int) -> bytes:
        request = self.open_descriptors[descriptor]
        assert request is not None and not request.blocking, "this would wait for ever"
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        if not request.events:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        told = b""
        while request.events and len(told) + len(request.events[0]) <= size:
            told += request.events.popleft()
        assert told, "no room for an event"
        return told[:-3] if self.half else told

    def close(self, descriptor: int) -> None:
        del self.open_descriptors[descriptor]

    def age(self, stamp: int) -> float:
        return age(stamp, lambda clock: BASE[clock] + self.now)

    def _grant(self, request: _Request) -> int:
        held = [one for other in self.open_descriptors.values() if other for one in other.lines]
        if any(line in self.busy + held for line in request.lines):
            raise OSError(errno.EBUSY, "Device or resource busy")
        if any(line >= 256 for line in request.lines):
            raise OSError(errno.EINVAL, "Invalid argument")
        self._next += 1
        self.open_descriptors[self._next] = request
        return self._next

    def _tell(self, request: _Request, line: int, rising: bool) -> None:
        kind = 1 if rising else 2
        stamps = self.stamps if request.version == 1 else MONOTONIC
        stamp = round((BASE[stamps] + self.now) * 1e9)
        if request.version == 1:
            told = bytes(EventData(stamp, kind))
            room = V1_BUFFER
        else:
            told = bytes(V2Event(stamp, kind, line, 1, 1))
            room = 256
        if len(request.events) < room:
            request.events.append(told)


def both() -> List[Tuple[int, int]]:
    """Return version and clock of the kernels that there are: today's, 5.7 to 5.9, and JetPack 4.6's 4.9."""
    return [(2, MONOTONIC), (1, MONOTONIC), (1, REALTIME)]
