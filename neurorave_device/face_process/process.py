"""The face process: the browser panel over the link to the sound process, the front panel, and what is remembered."""

import queue
import socket
import sys
import threading
from typing import Any, Callable, Dict, List, Optional

from neurorave_device.clock import SystemClock
from neurorave_device.config import Config
from neurorave_device.doctor.checkup import check_up
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.face import Face
from neurorave_device.face.happenings import Happenings
from neurorave_device.face.panel import server
from neurorave_device.face_process.calibration_desk import CalibrationDesk
from neurorave_device.face_process.card_watch import CardWatch
from neurorave_device.face_process.front_wiring import FrontWiring
from neurorave_device.face_process.keeper import Job, Keeper
from neurorave_device.face_process.link import SharedLink
from neurorave_device.face_process.midi_desk import MidiDesk
from neurorave_device.face_process.preset_desk import PresetDesk
from neurorave_device.face_process.procedure_desk import ProcedureDesk
from neurorave_device.face_process.workbench import Workbench
from neurorave_device.front_panel.front_panel import FrontPanel
from neurorave_device.link.commands import CommandSender, GatePress, from_descriptor
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import unpack
from neurorave_device.machine.board import board_from
from neurorave_device.processes.child import READY, StatusPipe, orphaned, run_child, stop_on_signal
from neurorave_device.sound_process.timing import timing
from neurorave_device.wiring import calibration_file, reach

_WATCH_SECONDS = 0.5


def work(settings: Dict[str, Any], status: StatusPipe) -> None:
    """Be the face process."""
    stop = threading.Event()
    stop_on_signal(stop.set)
    config = Config(**settings["config"])
    clock = SystemClock()
    commands = CommandSender(from_descriptor(settings["commands"]))
    # A face that died with a finger on a button left the gate open.
    for gate in (1, 2):
        commands.send(GatePress(gate, False))
    shared = SharedMemory(settings["shared"])
    link = SharedLink(
        shared,
        commands,
        config.bundle,
        lambda info: timing(config.ahead_ms, config.block, info.sample_rate, info.hop),
        config.panel == "virtual",
        clock,
        config.card,
    )
    threading.Thread(target=_watch, args=(stop, settings["supervisor"]), daemon=True).start()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=settings["listening"])
    memory = settings["memory"]
    catch_up = CatchUp()
    presets: Optional[PresetDesk] = None
    keeper: Optional[Keeper] = None

    def write(sentence: str) -> None:
        print("neurorave: %s." % sentence, file=sys.stderr, flush=True)

    def say(sentence: str) -> None:
        write(sentence)
        if presets is not None:
            presets.say(sentence)

    do: Optional[Callable[[Job], None]] = None
    # Where another module remembers in this folder, this one does not.
    if memory["writes"]:
        jobs: "queue.Queue[Job]" = queue.Queue()
        do = jobs.put
        presets = PresetDesk(link, memory["folder"], jobs.put, clock, catch_up, write)
        for sentence in memory["sentences"]:
            presets.say(sentence)

        keeper = Keeper(memory["folder"], memory["stored"], shared, config, clock, jobs, say)
        keeper.start()
        if config.card is not None:
            CardWatch(config.card, say).start(stop)
    bench = Workbench(
        memory["folder"],
        lambda path: check_up(config, unpack(shared.telemetry.read()), memory["folder"], path),
        clock,
    )
    midi = MidiDesk(link, memory["folder"], do, say)
    procedures = ProcedureDesk(_calibration(config, link, do), midi)
    face = Face(link, presets, bench, catch_up, procedures)
    happenings = Happenings(link, face.say, presets, midi.controller)

    def follow(now: float) -> None:
        happenings.follow(now)
        procedures.follow(now)
        if presets is not None:
            presets.follow(now)

    for sentence in memory["sentences"]:
        face.say(sentence + ".", clock.now())
    if presets is not None and presets.said()[1]:
        # What was said before there was a screen: also what is wrong with presets and MIDI's map.
        face.say(presets.said()[1], clock.now())
    front: Optional[FrontWiring] = None
    if config.panel == "jetson":
        front = FrontWiring(FrontPanel(board_from(config.board), clock), face)
        front.start()
    try:
        server.run(
            link,
            clock,
            stop,
            listener=listener,
            ready=lambda address: status.send(READY, address),
            face=face,
            memory=presets,
            companion=None if front is None else front.follow,
            follower=follow,
        )
    finally:
        if front is not None:
            front.close()
        if keeper is not None:
            keeper.close()


def _calibration(
    config: Config, link: SharedLink, do: Optional[Callable[[Job], None]]
) -> Optional[CalibrationDesk]:
    """Return the calibration of the jacks, None for those that need none."""
    file = calibration_file(config)
    return None if file is None else CalibrationDesk(link, file, reach(config), do)


def _watch(stop: threading.Event, supervisor: int) -> None:
    while not stop.wait(_WATCH_SECONDS):
        if orphaned(supervisor):
            stop.set()


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    return run_child(arguments, work)
