"""A spidev whose only device is an MCP3208, bit by bit as in its data sheet; refuses what the chip does not know."""

from typing import Dict, List, Optional, Sequence, Tuple


class FakeSpi:
    """Answers clock by clock.

    `counts` of the eight channels; `floating` is what the master reads while the chip drives nothing. `stuck` (0 or 1)
    is a wire that never moves; `keep` cuts answers to so many bytes; `broken` lets transfers fail.
    """

    def __init__(self, counts: Sequence[int] = (0,) * 8, floating: int = 1) -> None:
        self.counts = list(counts)
        self.floating = floating
        self.stuck: Optional[int] = None
        self.keep: Optional[int] = None
        self.broken = False
        self.missing = False
        self.place: Optional[Tuple[int, int]] = None
        self.opened = 0
        self.transfers: List[List[int]] = []
        self._settings: Dict[str, int] = {}

    def open(self, bus: int, device: int) -> None:
        if self.missing:
            raise FileNotFoundError(2, "No such file or directory")
        assert self.place is None, "opened twice"
        self.place = bus, device
        self.opened += 1

    def close(self) -> None:
        assert self.place is not None, "closed twice"
        self.place = None
        self._settings = {}

    def _set_mode(self, mode: int) -> None:
        assert mode in (0, 3), "the chip knows modes 0 and 3"
        self._settings["mode"] = mode

    def _set_speed(self, hertz: int) -> None:
        assert 0 < hertz <= 2000000, "the chip's clock ends at 2 MHz"
        self._settings["hertz"] = hertz

    mode = property(None, _set_mode)
    max_speed_hz = property(None, _set_speed)

    def xfer2(self, sent: List[int]) -> List[int]:
        assert self.place is not None and set(self._settings) == {"mode", "hertz"}
        assert all(0 <= byte <= 255 for byte in sent)
        if self.broken:
            raise OSError(5, "Input/output error")
        self.transfers.append(list(sent))
        bits = [byte >> (7 - place) & 1 for byte in sent for place in range(8)]
        read = self._converse(bits) if self.stuck is None else [self.stuck] * len(bits)
        answer = [
            sum(bit << (7 - place) for place, bit in enumerate(read[at : at + 8]))
            for at in range(0, len(read), 8)
        ]
        return answer[: self.keep]

    def _converse(self, bits: List[int]) -> List[int]:
        """Return what the chip's output is during each clock of one fall of its chip select."""
        start = bits.index(1)
        single, *channel = bits[start + 1 : start + 5]
        assert single == 1, "differential inputs are not what the jacks are wired to"
        place = channel[0] << 2 | channel[1] << 1 | channel[2]
        value = self.counts[place]
        # The sample is taken during one clock more, then a zero, then the value from its highest bit on.
        told = [0] + [value >> bit & 1 for bit in range(11, -1, -1)]
        begin = start + 6
        read = [self.floating] * len(bits)
        read[begin : begin + len(told)] = told
        assert len(read) == len(bits), "chip select rose before the last bit"
        return read
