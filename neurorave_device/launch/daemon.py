"""Wiring of the two processes: what they share is made here, belongs to the supervisor and outlives both.

A process that is started again finds the memory, the command pipe and the panel's socket as they were.
"""

import importlib.util
import os
import select
import signal
import socket
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from neurorave_device.clock import Clock, SystemClock
from neurorave_device.config import COMMAND_LINE, Config, Given
from neurorave_device.drivers.fault_teller import FaultTeller
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.description import read_description
from neurorave_device.errors import UserError
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.launch.memory import Beginning, Memory, face_settings
from neurorave_device.launch.notify import Notifier
from neurorave_device.launch.supervisor import Supervisor
from neurorave_device.link.commands import make_pipe
from neurorave_device.link.settings import pack_calibration, pack_morph, pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import PLAYING, Report, pack, unpack
from neurorave_device.machine.board import board_from
from neurorave_device.processes.child import Child, Process
from neurorave_device.storage.card_log import drop_log, keep_log, logger
from neurorave_device.update.trial import greeting, played_well
from neurorave_device.wiring import calibration

SOUND_MODULE = "neurorave_device.sound_process.sound"
FACE_MODULE = "neurorave_device.face_process.process"
HOST = "127.0.0.1"
_POLL = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def open_port(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface; UserError where the port is taken.

    Port 0 takes any free one. The supervisor keeps the socket, so the panel's address outlives a face.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise UserError(
            "port %d cannot be used for the panel (%s): choose another, for example --port %d"
            % (port, error.strerror or error, port + 1 if port < 65535 else 8765)
        ) from error
    return listening


def check(config: Config, sources: Mapping[str, str] = {}) -> None:
    """Raise UserError for what can be seen to be wrong before anything is started; `sources` as in `Given`."""
    if config.panel == "replay" and config.cv_file is None:
        raise UserError("panel: replay needs a CV recording, give one with --cv FILE.wav")
    if config.panel != "replay" and config.cv_file is not None:
        raise UserError(
            "cv_file: %s is played by --panel replay only, not by --panel %s"
            % (config.cv_file, config.panel)
        )
    if config.audio == "file" and config.out is None:
        raise UserError("audio: file needs a file to write to, give one with --out FILE.wav")
    if config.audio != "file" and config.out is not None:
        raise UserError(
            "out: %s is written by --audio file only, not by --audio %s"
            % (config.out, config.audio)
        )
    if config.out is not None and config.cv_file is not None:
        if os.path.realpath(config.out) == os.path.realpath(config.cv_file):
            raise UserError("out: %s is the recording, it cannot be the output too" % config.out)
    if config.engine == "tensorrt":
        make_engine("tensorrt")
    _check_packages(config, sources)
    read_description(config.bundle)


def _check_packages(config: Config, sources: Mapping[str, str]) -> None:
    """Raise UserError where a package is missing that one of the processes would import later."""
    audio = _setting(sources.get("audio"), "audio", config.audio)
    panel = _setting(sources.get("panel"), "panel", config.panel)
    needed = [
        ("aiohttp", "the browser panel", True),
        ("onnxruntime", "the model", True),
        ("sounddevice", "the sound card (%s)" % audio, config.audio == "soundcard"),
        ("sounddevice", "the sound card with the jacks (%s)" % panel, config.panel == "audio"),
    ]
    for package, user, used in needed:
        if used and not _installed(package):
            raise UserError("%s is not installed, %s needs it: run `make setup`" % (package, user))
    if config.panel == "jetson":
        board = board_from(config.board)
        parts = {}
        for key, value in (("encoder", board.encoder), ("screen", board.screen)):
            source = sources.get("board") if key in config.board else None
            parts[key] = _setting(source, "board: " + key, value)
        chips = [
            ("spidev", "the CV inputs", True),
            ("smbus2", parts["encoder"], board.encoder == "breakout"),
            ("luma.oled", parts["screen"], board.screen != "none"),
        ]
        for package, user, used in chips:
            if used and not _installed(package):
                raise UserError(
                    "%s needs the package %s for %s: run `.venv/bin/pip install -e '.[board,screen]'`"
                    % (panel, package, user)
                )


def _setting(source: Optional[str], key: str, value: str) -> str:
    """Return a key and its value as whoever set it knows them: 'rack.yaml: panel: jetson', '--panel jetson'."""
    if source == COMMAND_LINE:
        return "--%s %s" % (key, value)
    return "%s: %s" % (key, value) if source is None else "%s: %s: %s" % (source, key, value)


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def run(given: Given, clock: Optional[Clock] = None) -> int:
    """Run the module until it ends or is asked to (SIGINT, SIGTERM, SIGHUP); return the exit status.

    It goes on where it was left, under what was given. UserError for what can be seen before anything starts.
    Main thread only: it handles signals.
    """
    memory = Memory(given)
    beginning = memory.begin()
    check(beginning.config, given.sources)
    listening = open_port(given.config.port)
    log = None if given.config.card is None else keep_log(given.config.card)
    try:
        writes, sentences = memory.open()
        calibrated = calibration(beginning.config)
        beginning.sentences.extend(sentences)
        if calibrated.sentence:
            beginning.sentences.append(calibrated.sentence)
        told = greeting()
        if told is not None:
            beginning.sentences.append(told)
        for sentence in beginning.sentences:
            _complain(sentence + ".")
        module = _Module(memory, beginning, writes, listening, clock or SystemClock())
        module.calibrate(calibrated.calibration)
        try:
            return module.run()
        finally:
            module.close()
    finally:
        memory.close()
        listening.close()
        drop_log(log)


class _Module:
    """What both processes share, for as long as the module runs; main thread."""

    def __init__(
        self,
        memory: Memory,
        beginning: Beginning,
        writes: bool,
        listening: socket.socket,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._beginning = beginning
        self._writes = writes
        self._listening = listening
        self._clock = clock
        self._shared = SharedMemory.create()
        self._receiving, self._sending = make_pipe()
        self._notifier = Notifier(clock)
        self._faults = FaultTeller(_complain)
        self._stops: List[int] = []
        self._spare: Optional[Child] = None

    def calibrate(self, present: Calibration) -> None:
        """Let the CVs be read with this calibration, until the face has another one."""
        self._shared.calibration.write(pack_calibration(present))

    def run(self) -> int:
        """Play until the end and return the exit status."""
        before: List[Tuple[signal.Signals, Any]] = []
        try:
            for number in _SIGNALS:
                before.append((number, signal.signal(number, self._on_signal)))
            result, refused = self._play()
            if refused and self._beginning.recalled:
                # What was remembered must not be what keeps the module from starting.
                shipped = Config().bundle
                name = os.path.basename(self._beginning.config.bundle)
                self._beginning = self._beginning._replace(
                    config=self._beginning.config._replace(bundle=shipped),
                    stored=self._beginning.stored._replace(bundle=""),
                    recalled=False,
                    sentences=["%s cannot be played; the bundle that ships plays instead" % name],
                )
                _complain(self._beginning.sentences[0] + ".")
                _note(self._memory.keep(self._beginning.stored))
                result, _ = self._play()
            return result
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def close(self) -> None:
        """Free what is shared."""
        if self._spare is not None:
            _end(self._spare)
        self._receiving.close()
        self._sending.close()
        self._shared.close()

    def _play(self) -> Tuple[int, bool]:
        """Run both processes; return the exit status and whether the sound process refused its bundle at the start."""
        beginning, shared = self._beginning, self._shared
        shared.parameters.write(pack_values(beginning.values))
        if beginning.jacks is not None:
            shared.panel.write(beginning.jacks)
        shared.morph.write(pack_morph(beginning.morph))
        shared.telemetry.write(pack(Report(folder=beginning.config.bundle)))
        supervisor = Supervisor(
            self._start_sound,
            self._start_face,
            self._clock,
            _say,
            _complain,
            lambda why: _note(self._memory.died(shared, beginning.config, why)),
            self._steady,
            lambda: unpack(shared.telemetry.read()).samples,
            self._notifier.alive,
        )
        result: Optional[int] = None
        while result is None and not self._stops:
            _wait(supervisor.running())
            result = supervisor.step()
            self._follow_faults()
            if supervisor.calm:
                self._keep_spare()
        if self._stops:
            self._notifier.stopping()
        ended = supervisor.end(hurry=lambda: len(self._stops) > 1)
        return result or ended, supervisor.refused

    def _follow_faults(self) -> None:
        """Say what is wrong with jacks and MIDI here too: who starts the module by hand looks at this terminal."""
        report = unpack(self._shared.telemetry.read())
        # One that is starting has not looked at them yet.
        if report.state == PLAYING:
            self._faults.follow((report.midi_fault,) + report.faults)

    def _steady(self) -> None:
        _note(self._memory.steady())
        _note(played_well())

    def _start_sound(self) -> Process:
        # One that died is followed by one that plays what it played last.
        config = self._beginning.config
        folder = unpack(self._shared.telemetry.read()).folder or config.bundle
        started = {"config": config._replace(bundle=folder)._asdict()}
        spare, self._spare = self._spare, None
        if spare is not None:
            if spare.begin(started):
                return spare
            _end(spare)
        return Child(SOUND_MODULE, started, self._sound_descriptors())

    def _sound_descriptors(self) -> Dict[str, int]:
        return {"shared": self._shared.descriptor, "commands": self._receiving.fileno()}

    def _keep_spare(self) -> None:
        """Have a sound process wait that has its imports behind it: they are most of a start."""
        if self._spare is not None and self._spare.returncode() is not None:
            _end(self._spare)
            self._spare = None
        if self._spare is None:
            settings = {"config": self._beginning.config._asdict()}
            self._spare = Child(SOUND_MODULE, settings, self._sound_descriptors(), waits=True)

    def _start_face(self) -> Process:
        settings = {
            "config": self._beginning.config._asdict(),
            "memory": face_settings(self._memory, self._beginning, self._writes),
        }
        # One that is started again need not repeat them.
        self._beginning.sentences.clear()
        found = {"shared": self._shared.descriptor, "commands": self._sending.fileno()}
        found["listening"] = self._listening.fileno()
        return Child(FACE_MODULE, settings, found)

    def _on_signal(self, number: int, frame: Any) -> None:
        self._stops.append(number)


def _end(child: Child) -> None:
    child.kill()
    child.close()


def _note(sentence: Optional[str]) -> None:
    if sentence is not None:
        _complain(sentence + ".")


def _wait(running: Sequence[Any]) -> None:
    # A status and the end of a process both make its pipe readable. An ended one stays so: no busy wait,
    # because step() takes it out.
    select.select(list(running), [], [], _POLL)


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(line: str) -> None:
    logger().info(line)
    print("neurorave: " + line, file=sys.stderr, flush=True)
