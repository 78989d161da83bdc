"""A machine on paper: whatever the doctor asks for is what a test has written down."""

import fnmatch
from typing import Any, Dict, List, Optional, Tuple

from neurorave_device.audio.cards import Card
from neurorave_device.config import Config
from neurorave_device.doctor import Machine, Result
from neurorave_device.machine.board import Board
from neurorave_device.machine.thermal import Heat
from neurorave_device.storage.card import CardState

BOARD = Config(panel="jetson")


class Paper(Machine):
    """A machine on paper, on which everything is well until a test takes something away."""

    def __init__(self) -> None:
        self.broken: Dict[str, Exception] = {}
        self.cards: Any = [Card("HDA Intel", 48000, True)]
        self.realtime = 99
        self.limit = 0
        self.free: Optional[int] = 1 << 30
        self.found: Any = [("hand_percussion", "")]
        self.present: Dict[str, List[str]] = {}
        self.barred: List[str] = []
        self.runs_on = ["CPUExecutionProvider"]
        self.release = (3, 11, 2)
        self.hottest: Optional[Heat] = Heat("CPU-therm", 45.5, 92.0, True)
        self.planned = [("models/hand_percussion", "")]
        self.texts: Dict[str, str] = {}
        self.counts: Any = [2000, 2000, 2000, 2000]
        self.silent: Dict[Tuple[int, int], Exception] = {}
        self.today = 2026
        self.inputs: Any = [("Built-in", 2), ("ES-8", 8)]
        self.kept: Tuple[bool, str] = (True, "")
        self.inserted = CardState(True, True, 2000000000, "")

    def python(self) -> Tuple[int, int, int]:
        return self.release

    def version(self, module: str) -> str:
        if module in self.broken:
            raise self.broken[module]
        return "1.2.3"

    def providers(self) -> List[str]:
        return self.runs_on

    def sound_cards(self) -> List[Card]:
        if isinstance(self.cards, Exception):
            raise self.cards
        return list(self.cards)

    def reading_cards(self) -> List[Tuple[str, int]]:
        if isinstance(self.inputs, Exception):
            raise self.inputs
        return list(self.inputs)

    def calibration(self, config: Config) -> Tuple[bool, str]:
        return self.kept

    def try_realtime(self, level: int) -> None:
        if level > self.realtime:
            raise PermissionError()

    def realtime_limit(self) -> int:
        return self.limit

    def free_bytes(self, folder: str) -> Optional[int]:
        return self.free

    def bundles(self, folder: str) -> List[Tuple[str, str]]:
        if isinstance(self.found, Exception):
            raise self.found
        return list(self.found)

    def tensorrt_abilities(self) -> str:
        return "tensors by name"

    def gpu(self) -> str:
        return "a GPU"

    def plans(self, folder: str) -> List[Tuple[str, str]]:
        return self.planned

    def heat(self) -> Optional[Heat]:
        return self.hottest

    def nodes(self, pattern: str) -> List[str]:
        if pattern in self.present:
            return self.present[pattern]
        folders = {path.rpartition("/")[0] for path in self.texts}
        return sorted(path for path in list(self.texts) + list(folders) if fits(path, pattern))

    def may_use(self, path: str) -> bool:
        return path not in self.barred

    def card(self, folder: str) -> CardState:
        return self.inserted

    def text(self, path: str) -> str:
        return self.texts.get(path, "")

    def year(self) -> int:
        return self.today

    def memory_limit(self) -> int:
        return -1

    def voltages(self, board: Board) -> List[int]:
        if isinstance(self.counts, Exception):
            raise self.counts
        return list(self.counts)

    def answers(self, bus: int, address: int) -> None:
        if (bus, address) in self.silent:
            raise self.silent[bus, address]


def fits(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


def a_board() -> Paper:
    """A Jetson Nano on which everything is well."""
    machine = Paper()
    machine.texts = {
        "/etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref",
        "/proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit",
    }
    machine.present.update(
        {
            "/dev/gpiochip*": ["/dev/gpiochip0"],
            "/dev/spidev*": ["/dev/spidev0.0"],
            "/dev/i2c-*": ["/dev/i2c-0", "/dev/i2c-1"],
        }
    )
    return machine


def row(results: List[Result], name: str) -> Result:
    found = [result for result in results if result.name == name]
    assert len(found) == 1
    return found[0]
