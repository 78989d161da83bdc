"""Checks of the board: its JetPack, buses, pins, and the chips of the front panel."""

from typing import List

from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import FAIL, OK, WARN, Result, one_line
from neurorave_device.drivers.device import reason
from neurorave_device.inputs.mcp3208 import HIGHEST_COUNT
from neurorave_device.machine.board import Board
from neurorave_device.machine.jetpack import MODEL_FILE, RELEASE_FILE, jetpack

NODES = (
    ("gpio", "/dev/gpiochip*", "gates and encoder are"),
    ("spi", "/dev/spidev*", "the CV inputs are"),
    ("i2c", "/dev/i2c-*", "the screen is"),
)
_MISSING = {
    "gpio": "this kernel has none, so gates and encoder do nothing: another JetPack is needed.",
    "spi": "SPI is switched off, so the CV inputs do nothing: `sudo /opt/nvidia/jetson-io/jetson-io.py`, "
    "choose spi1, and `sudo modprobe spidev` (docs/install.md).",
    "i2c": "I2C is switched off, so screen and encoder do nothing: load the module i2c-dev.",
}


def board_checks(machine: Machine, board: Board, used: bool) -> List[Result]:
    """Check all of it; `used` says that `panel: jetson` is configured, so that what is missing is a fault."""
    results = [_jetpack(machine)]
    results += [_node(machine, name, pattern, use, used) for name, pattern, use in NODES]
    if used:
        results.append(_converter(machine, board))
        results += _chips(machine, board)
    return results


def _jetpack(machine: Machine) -> Result:
    text = machine.text(RELEASE_FILE)
    found = jetpack(text)
    if not found.release:
        state = WARN if text else OK
        return Result("jetpack", state, "no JetPack here, so neither TensorRT nor the board's pins")
    model = machine.text(MODEL_FILE) or "unknown board"
    if found.fault:
        return Result("jetpack", FAIL, "%s; %s." % (model, found.fault))
    return Result("jetpack", OK, "%s, %s" % (found.text, model))


def _node(machine: Machine, name: str, pattern: str, use: str, used: bool) -> Result:
    found = machine.nodes(pattern)
    if not found and used:
        return Result(name, FAIL, "no %s: %s" % (pattern, _MISSING[name]))
    if not found:
        text = "no %s, as on any machine but the board: %s virtual." % (pattern, use)
        return Result(name, OK, text)
    barred = [path for path in found if not machine.may_use(path)]
    if barred:
        text = "%s may not be used by this user: join its group (ls -l %s)."
        return Result(name, WARN, text % (barred[0], barred[0]))
    return Result(name, OK, ", ".join(found))


def _converter(machine: Machine, board: Board) -> Result:
    """Read all CVs once. The amplifiers never reach either end, so a channel that does is not driven."""
    where = "/dev/spidev%d.%d" % (board.adc_bus, board.adc_device)
    pins = (
        "the pins have no function (JetPack 4.6.3: pin-mux, docs/install.md), the chip has no supply, "
        "or MISO is not connected"
    )
    try:
        counts = machine.voltages(board)
    except Exception as error:
        text = "the converter on %s: %s; check spi1, the packages and the wiring."
        return Result("adc", FAIL, text % (where, reason(error)))
    if all(count == 0 for count in counts):
        return Result("adc", FAIL, "the converter on %s reads all zeros: %s." % (where, pins))
    if all(count == HIGHEST_COUNT for count in counts):
        return Result("adc", FAIL, "the converter on %s reads all ones: %s." % (where, pins))
    ends = [str(number) for number, count in enumerate(counts, 1) if count in (0, HIGHEST_COUNT)]
    if ends:
        text = "CV %s is at the end of the converter's range: check its amplifier."
        return Result("adc", WARN, text % " and ".join(ends))
    volts = [
        (count * board.adc_reference / 4096 - board.cv_zero) / board.cv_slope for count in counts
    ]
    return Result("adc", OK, ", ".join("CV %d %+.2f V" % row for row in enumerate(volts, 1)))


def _chips(machine: Machine, board: Board) -> List[Result]:
    chips = []
    if board.screen != "none" and board.screen_interface == "i2c":
        chips.append(("screen", board.screen_bus, board.screen_address))
    if board.encoder == "breakout":
        chips.append(("encoder", board.encoder_bus, board.encoder_address))
    results = []
    for name, bus, address in chips:
        where = "0x%02X on I2C bus %d" % (address, bus)
        try:
            machine.answers(bus, address)
        except ImportError as error:
            text = "a package is missing (%s): `pip install smbus2`." % one_line(error)
            results.append(Result(name, FAIL, text))
        except Exception as error:
            text = "nothing answers at %s (%s): check its supply, SDA and SCL, and its address."
            results.append(Result(name, FAIL, text % (where, reason(error))))
        else:
            results.append(Result(name, OK, "answers at %s" % where))
    return results
