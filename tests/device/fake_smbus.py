"""An I2C bus in the place of smbus2's, with the chips of the front panel; each refuses what it does not know."""

from typing import Any, Callable, Dict, List, Optional, Sequence

from neurorave_device.front_panel import i2c_encoder as chip

Chips = Dict[int, Any]


class FakeBus:
    """One opened bus. A chip that is not plugged in answers as the kernel does: ENXIO."""

    def __init__(self, chips: Chips) -> None:
        self._chips = chips
        self.open = True
        self.bytes = 0

    def _chip(self, address: int) -> Any:
        assert self.open
        found = self._chips.get(address)
        if found is None or found.unplugged:
            raise OSError(6, "No such device or address")
        return found

    def read_byte_data(self, address: int, register: int) -> int:
        self.bytes += 4
        value = self._chip(address).read(register)
        assert 0 <= value <= 255
        return int(value)

    def write_byte_data(self, address: int, register: int, value: int) -> None:
        assert 0 <= register <= 255 and 0 <= value <= 255
        self.bytes += 3
        self._chip(address).write(register, value)

    def write_i2c_block_data(self, address: int, register: int, data: Sequence[int]) -> None:
        assert len(data) <= 32
        self.bytes += 2 + len(data)
        self._chip(address).block(register, list(data))

    def i2c_rdwr(self, *messages: Any) -> None:
        for message in messages:
            sent = list(message)
            self.bytes += 1 + len(sent)
            self._chip(message.addr).block(sent[0], sent[1:])

    def close(self) -> None:
        assert self.open, "closed twice"
        self.open = False


class FakeBusses:
    """Stands for smbus2.SMBus: `numbers` are the busses that there are."""

    def __init__(self, chips: Chips, numbers: Sequence[int] = (1,)) -> None:
        self.chips = chips
        self.numbers = numbers
        self.made: List[FakeBus] = []

    def __call__(self, number: int) -> FakeBus:
        if number not in self.numbers:
            raise FileNotFoundError(2, "No such file or directory", "/dev/i2c-%d" % number)
        self.made.append(FakeBus(self.chips))
        return self.made[-1]

    @property
    def open(self) -> int:
        return sum(bus.open for bus in self.made)

    @property
    def bytes(self) -> int:
        return sum(bus.bytes for bus in self.made)


class FakeBreakout:
    """The registers of the encoder breakout that its maker's library uses for encoder and light."""

    KNOWN = (
        {chip.ID_LOW, chip.ID_HIGH, chip.ENCODER_ENABLE, chip.ENCODER_PINS, chip.ENCODER_COUNT}
        | {chip.PORT0_MODE1, chip.PORT0_MODE2, chip.PORT0_SCHMITT, chip.PORT0, chip.PORT1}
        | {chip.PORT1_MODE1, chip.PORT1_MODE2, chip.PORT1_SCHMITT, chip.PWM_PINS0, chip.PWM_PINS1}
        | {chip.PWM_PERIOD_LOW, chip.PWM_PERIOD_HIGH, chip.PWM_CONTROL, chip.PWM_DIVIDER}
        | {chip.PWM_INVERTED}
        | {register for pair in chip.DUTIES for register in pair}
    )
    # Bits of other parts of the chip, the I2C pins among them, which nobody may touch.
    FOREIGN = {chip.PORT0_MODE1: 0x04, chip.PORT0_MODE2: 0x04, chip.PORT1_MODE1: 0x48}
    FOREIGN.update({chip.PORT1_MODE2: 0x48, chip.PWM_INVERTED: 0x01, chip.PWM_PINS0: 0x08})

    def __init__(self) -> None:
        self.unplugged = False
        self.identity = chip.CHIP_ID
        self.fail_after: Optional[int] = None
        self.count = 0
        self.shown = (0, 0, 0)
        self.reset()

    def reset(self) -> None:
        """Be as after power-on."""
        self.registers = dict.fromkeys(self.KNOWN, 0)
        self.registers.update(self.FOREIGN)
        self.ports = {chip.PORT0: 0xFF, chip.PORT1: 0xFF}
        self.count = 0
        self.shown = (0, 0, 0)

    def turn(self, detents: int) -> None:
        """Let somebody turn the knob; it counts only when it is set up."""
        ready = self.registers[chip.ENCODER_ENABLE] & 3 == 1
        wired = self.registers[chip.ENCODER_PINS] == 0x3C and not self.ports[chip.PORT0] & 0x40
        pulled = self.ports[chip.PORT0] & 0x20 and self.ports[chip.PORT1] & 0x04
        modes = (self.registers[chip.PORT0_MODE1], self.registers[chip.PORT0_MODE2])
        inputs = not (modes[0] | modes[1]) & 0x20 and modes[0] & modes[1] & 0x40
        if ready and wired and pulled and inputs:
            self.count = (self.count + detents) % 256

    def read(self, register: int) -> int:
        self._answer()
        assert register in self.KNOWN - set(self.ports), "register 0x%02X is not read" % register
        if register in (chip.ID_LOW, chip.ID_HIGH):
            return self.identity >> (8 if register == chip.ID_HIGH else 0) & 0xFF
        return self.count if register == chip.ENCODER_COUNT else self.registers[register]

    def write(self, register: int, value: int) -> None:
        self._answer()
        assert register in self.KNOWN - {chip.ID_LOW, chip.ID_HIGH}, "0x%02X" % register
        if register in self.ports:
            assert value < 16, "a port is set bit by bit"
            bit = 1 << (value & 7)
            self.ports[register] = self.ports[register] & ~bit | (bit if value & 8 else 0)
            return
        foreign = self.FOREIGN.get(register, 0)
        assert value & foreign == foreign, "bits of others in 0x%02X were changed" % register
        self.registers[register] = value
        if register == chip.ENCODER_COUNT:
            self.count = value
        if register == chip.PWM_CONTROL and value & 0x40:
            self._load()

    def block(self, register: int, data: List[int]) -> None:
        raise AssertionError("this chip is spoken to byte by byte")

    def _load(self) -> None:
        """Take what was written to the duties, as the light then shows it: a share of the period."""
        assert self.registers[chip.PWM_CONTROL] & 0x80, "the PWM does not run"
        assert self.registers[chip.PWM_INVERTED] & 0x26 == 0x26
        assert self.registers[chip.PWM_PINS0] & 6 == 6 and self.registers[chip.PWM_PINS1] & 0x20
        assert self.registers[chip.PORT1_MODE2] & 0x23 == 0x23
        assert not self.registers[chip.PORT1_MODE1] & 0x23
        high, low = self.registers[chip.PWM_PERIOD_HIGH], self.registers[chip.PWM_PERIOD_LOW]
        assert high << 8 | low == 510
        red, green, blue = (
            self.registers[low] | self.registers[high] << 8 for low, high in chip.DUTIES
        )
        self.shown = red, green, blue

    def _answer(self) -> None:
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                raise OSError(121, "Remote I/O error")


# How many bytes follow each command of the two chips (their data sheets); ranges are (first, last): arguments.
_BOTH = {0x81: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1, 0x8D: 1}
_PLAIN = set(range(0x40, 0x80)) | {0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xC0, 0xC8}


class FakeOled:
    """The memory and the commands of an SSD1306 or SH1106."""

    def __init__(self, sh1106: bool = False) -> None:
        self.sh1106 = sh1106
        self.unplugged = False
        self.fail_after: Optional[int] = None
        self.width = 132 if sh1106 else 128
        self.memory = [bytearray(self.width) for _ in range(8)]
        self.on = False
        self.level = 0x7F
        self.data_bytes = 0
        self._column, self._page = 0, 0
        self._columns, self._pages = (0, 127), (0, 7)

    def block(self, control: int, data: List[int]) -> None:
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                raise OSError(5, "Input/output error")
        if control == 0x40:
            self._data(data)
        else:
            assert control == 0
            self._commands(data)

    def read(self, register: int) -> int:
        raise AssertionError("this chip is never read")

    write: Callable[[int, int], None]

    def picture(self) -> List[List[int]]:
        """Return the 64 rows of 128 points that can be seen; all dark while it is off."""
        left = 2 if self.sh1106 else 0
        if not self.on:
            return [[0] * 128 for _ in range(64)]
        return [
            [self.memory[row // 8][left + column] >> row % 8 & 1 for column in range(128)]
            for row in range(64)
        ]

    def _data(self, data: List[int]) -> None:
        self.data_bytes += len(data)
        for byte in data:
            self.memory[self._page][self._column] = byte
            self._column += 1
            if self.sh1106:
                # Its column counter stops at the end.
                assert self._column <= 130, "written past the visible columns"
            elif self._column > self._columns[1]:
                self._column = self._columns[0]
                self._page = self._pages[0] if self._page == self._pages[1] else self._page + 1

    def _commands(self, data: List[int]) -> None:
        rest = list(data)
        while rest:
            command = rest.pop(0)
            if command == 0x81:
                self.level = rest.pop(0)
            elif command in _BOTH:
                rest.pop(0)
            elif command in (0xAE, 0xAF):
                self.on = command == 0xAF
            elif command == 0x20:
                # Addressing of the SSD1306; luma sends it to the SH1106 too, without its argument, which ignores it.
                assert self.sh1106 or rest.pop(0) == 0, "other addressing than row by row"
            elif command in (0x21, 0x22) and not self.sh1106:
                self._window(command, rest.pop(0), rest.pop(0))
            elif self.sh1106 and 0xB0 <= command <= 0xB7:
                self._page = command & 7
            elif self.sh1106 and command < 0x20:
                high = command & 0x10
                old = self._column
                nibble = command & 0x0F
                self._column = old & 0x0F | nibble << 4 if high else old & 0xF0 | nibble
            else:
                assert command in _PLAIN, "command 0x%02X" % command

    def _window(self, command: int, first: int, last: int) -> None:
        if command == 0x21:
            assert 0 <= first <= last <= 127
            self._columns, self._column = (first, last), first
        else:
            assert 0 <= first <= last <= 7
            self._pages, self._page = (first, last), first
