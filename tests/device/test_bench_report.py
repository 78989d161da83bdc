"""The report of `neurorave bench`: what a board tells of itself; a missing file costs a word."""

from typing import Dict, Optional

from neurorave_device.doctor.machine import Machine
from neurorave_device.machine.thermal import Heat
from neurorave_device.tools.bench_report import report

RESULT = {
    "engine": "onnx",
    "engine_note": "",
    "name": "drums",
    "threads": 1,
    "paced": True,
    "realtime": True,
    "awake": False,
    "deadline_ms": 11.61,
    "frames": 100,
    "frame_ms": {"p50": 1.0, "p99": 2.0, "p999": 3.0, "max": 4.0},
    "misses": 1,
    "ahead_ms": 20.0,
    "late": 0,
    "real_time_factor": 9.87,
    "graphs_ms": {"decoder": 0.5, "prior": 0.25},
    "gate_to_sound_ms": {"p50": 8.9, "p99": 8.9, "jitter": 0.02},
    "model": {"parameters": 1870000},
}


class Board(Machine):
    """A machine made of files."""

    def __init__(self, files: Dict[str, str], heat: Optional[Heat] = None) -> None:
        self._files, self._heat = files, heat

    def text(self, path: str) -> str:
        return self._files.get(path, "")

    def version(self, module: str) -> str:
        return "1.10.0"

    def heat(self) -> Optional[Heat]:
        return self._heat


def test_a_board_is_named_with_its_clocks() -> None:
    files = {
        "/proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit",
        "/etc/nv_tegra_release": "# R32 (release), REVISION: 7.1\nmore",
        "/proc/cpuinfo": "processor : 0\nCPU part : 0xd07\n\nprocessor : 1\nCPU part : 0xd07",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1479000",
    }
    text = report(RESULT, Board(files))
    assert "| board | NVIDIA Jetson Nano Developer Kit |" in text
    assert "| system | # R32 (release), REVISION: 7.1 |" in text
    assert "| processor | 2 x part 0xd07, governor performance, 1479 MHz |" in text
    assert "| engine | onnx 1.10.0 |" in text
    assert "| missed | 1 of 100; 0 too late for sound made 20 ms ahead |" in text
    assert "real-time priority yes, kept awake no" in text


def test_a_machine_that_tells_nothing_still_gives_a_report() -> None:
    text = report(RESULT, Board({}))
    assert "| board | no Jetson |" in text
    assert "| heat | not known |" in text
