"""The machine as the doctor's checks see it."""

import datetime
import glob
import importlib
import os
import resource
import subprocess
import sys
import warnings
from typing import List, Optional, Tuple

from neurorave_device.audio.cards import Card, import_backend, playing_cards
from neurorave_device.config import Config
from neurorave_device.machine.board import Board
from neurorave_device.machine.thermal import Heat, Zones
from neurorave_device.processes.realtime import OUTPUT_PRIORITY
from neurorave_device.storage.card import CardState, look


class Machine:
    """This machine; raises ImportError and OSError like the real thing. Tests make their own."""

    def python(self) -> Tuple[int, int, int]:
        """Return the version of the running Python."""
        return sys.version_info[0], sys.version_info[1], sys.version_info[2]

    def version(self, module: str) -> str:
        """Import a module and return its version; any exception of the import goes through."""
        with warnings.catch_warnings():
            # Some packages warn that a version is better asked for elsewhere, where Python 3.6 has nothing.
            warnings.simplefilter("ignore", DeprecationWarning)
            return str(getattr(importlib.import_module(module), "__version__", "unknown version"))

    def providers(self) -> List[str]:
        """Return what ONNX Runtime can run on."""
        import onnxruntime

        return [str(name) for name in onnxruntime.get_available_providers()]

    def sound_cards(self) -> List[Card]:
        """Return the sound cards that can play; UserError without PortAudio."""
        return playing_cards()

    def reading_cards(self) -> List[Tuple[str, int]]:
        """Return (name, number of inputs) of the sound cards that can be read; UserError without PortAudio."""
        rows = import_backend().query_devices()
        found = [(str(row["name"]), int(row["max_input_channels"])) for row in rows]
        return [row for row in found if row[1] > 0]

    def calibration(self, config: Config) -> Tuple[bool, str]:
        """Return whether there is a calibration for a configuration's jacks, and what is wrong with it, ''."""
        from neurorave_device.wiring import calibration

        loaded = calibration(config)
        return loaded.kept, loaded.sentence

    def try_realtime(self, level: int) -> None:
        """Take a real-time priority and give it back; OSError where that is not permitted.

        A process of its own does it, so that nothing of it stays behind.
        """
        script = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(%d))"
        done = subprocess.call(
            [sys.executable, "-S", "-c", script % level],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done != 0:
            raise PermissionError("real-time priority is not permitted")

    def realtime_limit(self) -> int:
        """Return the largest real-time priority that this user's limits allow; root's are not asked."""
        if os.geteuid() == 0:
            return OUTPUT_PRIORITY
        return resource.getrlimit(resource.RLIMIT_RTPRIO)[0]

    def free_bytes(self, folder: str) -> Optional[int]:
        """Return the free space of a folder's file system, None where there is no such folder."""
        if not os.path.isdir(folder):
            return None
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize

    def bundles(self, folder: str) -> List[Tuple[str, str]]:
        """Return (name, fault or '') of the bundles in a folder; OSError where there is none."""
        from neurorave_device.engine.listing import list_bundles
        from neurorave_device.errors import UserError

        try:
            return [(row.name or row.folder, row.fault) for row in list_bundles(folder)]
        except UserError as error:
            raise OSError(str(error)) from None

    def tensorrt_abilities(self) -> str:
        """Say what this TensorRT can do, found by looking; ImportError and others as of the import."""
        from neurorave_device.engine.tensorrt.toolkit import abilities

        return abilities(importlib.import_module("tensorrt"))

    def gpu(self) -> str:
        """Return the GPU and the release of the board's system; OSError where none can be used."""
        from neurorave_device.engine.tensorrt.toolkit import Missing, find_board, find_toolkit

        try:
            board = find_board(find_toolkit())
        except Missing as error:
            raise OSError(str(error)) from None
        text = "%s, compute capability %s, L4T %s"
        return text % (board.gpu, board.capability, board.l4t)

    def plans(self, folder: str) -> List[Tuple[str, str]]:
        """Return (path of the bundle, what its plans lack or '') for the bundles in a folder; OSError as `gpu`."""
        from neurorave_device.engine.listing import list_bundles
        from neurorave_device.engine.tensorrt.engine import TensorRtEngine
        from neurorave_device.engine.tensorrt.planning import lacking
        from neurorave_device.engine.tensorrt.toolkit import Missing
        from neurorave_device.errors import UserError

        try:
            engine = TensorRtEngine()
            rows = [row for row in list_bundles(folder) if not row.fault]
            return [(row.folder, lacking(row.folder, engine)) for row in rows]
        except (Missing, UserError) as error:
            raise OSError(str(error)) from None

    def heat(self) -> Optional[Heat]:
        """Return the thermal zone that is nearest to its limit, None where none can be read."""
        return Zones().read()

    def nodes(self, pattern: str) -> List[str]:
        """Return the device nodes that match a pattern."""
        return sorted(glob.glob(pattern))

    def may_use(self, path: str) -> bool:
        """Say whether this user may read and write a device node."""
        return os.access(path, os.R_OK | os.W_OK)

    def card(self, folder: str) -> CardState:
        """Return how the card is."""
        return look(folder)

    def text(self, path: str) -> str:
        """Return the first 64 KiB of a text file without white space around it, '' where it cannot be read."""
        try:
            with open(path, "rb") as handle:
                return str(handle.read(1 << 16), "utf-8", "replace").strip(" \t\r\n\0")
        except OSError:
            return ""

    def tail(self, path: str) -> str:
        """Return the last mebibyte of a text file, '' where it cannot be read."""
        try:
            with open(path, "rb") as handle:
                handle.seek(max(0, os.fstat(handle.fileno()).st_size - (1 << 20)))
                return str(handle.read(1 << 20), "utf-8", "replace")
        except OSError:
            return ""

    def memory_limit(self) -> int:
        """Return how many bytes this user may lock into memory, -1 for any number."""
        return resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]

    def year(self) -> int:
        """Return the year by the system's clock."""
        return datetime.datetime.now().year

    def voltages(self, board: Board) -> List[int]:
        """Return the converter's counts of its CV channels; any exception of the driver goes through."""
        from neurorave_device.inputs.mcp3208 import Mcp3208

        converter = Mcp3208(board.adc_bus, board.adc_device, board.adc_hz)
        try:
            return converter.read(board.adc_channels)
        finally:
            converter.close()

    def answers(self, bus: int, address: int) -> None:
        """Read a byte from a chip on I2C; any exception of smbus2 goes through."""
        from smbus2 import SMBus

        wire = SMBus(bus)
        try:
            wire.read_byte(address)
        finally:
            wire.close()

    def run(self, command: List[str]) -> str:
        """Return what a program prints, '' where it is not there or takes more than 10 s."""
        try:
            done = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        except OSError:
            return ""
        try:
            output, _ = done.communicate(timeout=10.0)
        except subprocess.TimeoutExpired:
            done.kill()
            done.communicate()
            return ""
        return str(output, "utf-8", "replace")
