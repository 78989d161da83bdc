"""MIDI as it comes over the wire: bytes, as messages of mido; running status is filled in, garbage is counted."""

from typing import Any, List

# How many data bytes a channel message has, by the upper half of its status.
_DATA = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_RESET = 0xFF
_REAL_TIME = 0xF8
_SYSTEM = 0xF0
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_SYSTEM_EXCLUSIVE = 0xF0


class MidiBytes:
    """Of one port; whatever comes, nothing is raised and nothing piles up. One thread."""

    def __init__(self) -> None:
        import mido

        self._parser: Any = mido.Parser()
        # The channel status that data bytes belong to, 0 for none; how much of its message is there.
        self._status = 0
        self._count = 0
        self._exclusive = False
        self._skip = 0
        self.garbage = 0

    def feed(self, data: bytes) -> List[Any]:
        """Return the channel messages, and a reset, that are whole with these bytes."""
        for byte in data:
            if byte >= _REAL_TIME:
                if byte == _RESET:
                    self._parser.feed_byte(byte)
            elif byte >= 0x80:
                self._begin(byte)
            else:
                self._continue(byte)
        return list(self._parser)

    def _begin(self, status: int) -> None:
        if self._status and self._count < _DATA[self._status >> 4]:
            # The message before is not whole.
            self.garbage += 1
        self._count = 0
        self._status = status if status < _SYSTEM else 0
        # What a maker's own messages say is not for us, and they can be of any length.
        self._exclusive = status == _SYSTEM_EXCLUSIVE
        self._skip = _SYSTEM_DATA.get(status, 0)
        if self._status:
            self._parser.feed_byte(status)

    def _continue(self, data: int) -> None:
        if self._exclusive:
            return
        if not self._status:
            if self._skip:
                self._skip -= 1
            else:
                self.garbage += 1
            return
        if self._count == _DATA[self._status >> 4]:
            # Running status: the same message again, without its first byte.
            self._parser.feed_byte(self._status)
            self._count = 0
        self._parser.feed_byte(data)
        self._count += 1
