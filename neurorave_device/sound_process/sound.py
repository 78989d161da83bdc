"""The sound process: loads the bundle, then plays it with three threads (inputs, synthesis, output).

The main thread is the synthesis thread. ONNX Runtime treats denormal numbers as zero, which keeps a sound that
dies away from slowing its frames down, only in the thread that has made the first session and in those started
from it: the thread that loads the graphs should run them.
"""

import threading
from typing import Any, Dict, List, Optional

import numpy as np

from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.output import OutputStage
from neurorave_device.clock import Clock, SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.elsewhere import ElsewhereEngine, GraphsLost
from neurorave_device.engine.tensorrt.job import FINISHED, RUNNING, PlanJob, progress_text
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import SILENT_VOLTS, Edge, Volts
from neurorave_device.inputs.midi import MidiIn
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver, from_descriptor
from neurorave_device.link.events import Event, EventWriter
from neurorave_device.link.settings import unpack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.machine.thermal import Watch
from neurorave_device.parameters import GATE_ROLES
from neurorave_device.processes.child import (
    DONE,
    READY,
    StatusPipe,
    describe,
    orphaned,
    run_child,
    stop_on_signal,
)
from neurorave_device.processes.realtime import (
    CPU_LATENCY,
    INPUTS_PRIORITY,
    SYNTHESIS_PRIORITY,
    Worker,
    awake,
    raise_priority,
    settle,
)
from neurorave_device.sound_process.change import BundleChange, Loaded
from neurorave_device.sound_process.easing import Easing
from neurorave_device.sound_process.governor import LIMITS, Governor, Limits
from neurorave_device.sound_process.notices import Notices
from neurorave_device.sound_process.scan import InputScan
from neurorave_device.sound_process.stream import StreamClock, VoltHistory
from neurorave_device.sound_process.synthesis import Synthesis
from neurorave_device.sound_process.timing import timing
from neurorave_device.wiring import length_of, make_out, make_panel

# How long the buffer may take to run out at the end.
_DRAIN_SECONDS = 1.0
_WARM_FRAMES = 4
_PLAYS = {"onnx": "ONNX Runtime plays.", "tensorrt": "TensorRT plays."}


class Sound:
    """Everything that plays; all methods belong to the synthesis thread.

    ``limits`` say when the machine is too busy or too hot. UserError where the bundle, the recording or the
    output cannot be used.
    """

    def __init__(
        self,
        config: Config,
        shared: SharedMemory,
        commands: CommandReceiver,
        clock: Clock,
        limits: Limits = LIMITS,
    ) -> None:
        self._config = config
        self._clock = clock
        self._shared = shared
        self._tell(Report(folder=config.bundle, audio=config.audio, message="Loading the bundle."))
        values = unpack_values(shared.parameters.read() or b"")
        engine = make_engine(config.engine)
        bundle = load_bundle(config.bundle, engine)
        self.name = bundle.info.name
        rate = bundle.info.sample_rate
        self._rate = rate
        self._engine = engine
        self._told = ""
        self._plans: Optional[PlanJob] = PlanJob(config.bundle) if engine.wants_plans else None
        self._change = BundleChange(self._load)
        self._notices = Notices(clock)
        self._say = self._notices.say
        plan = timing(config.ahead_ms, config.block, rate, bundle.info.hop)
        stream = StreamClock(clock, rate, config.block)
        history = VoltHistory()
        panel = self._panel = make_panel(config, stream)
        length = length_of(config, panel, plan.gate)
        self._buffer = FrameBuffer(plan.capacity)
        self._out = make_out(config, rate, clock, shared.ring)
        self._synthesis = Synthesis(
            _warm_voice(bundle, values),
            OutputStage(rate, values["level"], limiter_db=values["limiter"]),
            self._buffer,
            stream,
            history,
            shared.parameters,
            shared.telemetry,
            config.block,
            plan.gate,
            # The browser gets the sound at the output's own pace; otherwise the ring is the scope's.
            _nothing if config.audio == "browser" else shared.ring.write,
            clock,
            None if length is None else round(length * rate),
            shared.morph,
            self._wish,
        )
        # The one writer of its ring.
        self._events = EventWriter(shared.events)
        self._thermal = Watch(clock)
        self._easing = Easing(
            self._synthesis,
            self._thermal.newest,
            self._change.request,
            config.bundle,
            bundle.info.lighter,
            clock,
            Governor(limits),
        )
        self._stop = threading.Event()
        self._midi = MidiIn(shared.parameters, self._events)
        scan = InputScan(
            panel,
            shared.calibration,
            stream,
            history,
            self._add_edge,
            commands,
            shared.panel,
            self._change.request,
            self._midi,
        )
        # What was pressed or asked for while there was no sound process is history.
        commands.drain()
        self._inputs = Worker("inputs", INPUTS_PRIORITY, lambda: scan.run(self._stop))

    def start(self) -> None:
        """Fill the buffer and begin to play; UserError where the output cannot be opened."""
        # Threads made from here on inherit the priority and then take their own.
        permitted = raise_priority(SYNTHESIS_PRIORITY)
        message = self._engine.note or _PLAYS[self._engine.name]
        if not permitted:
            message += " Real-time priority is not permitted, see neurorave doctor."
        self._say(message)
        self._told = self._engine.note
        report = Report(
            bundle=self.name,
            folder=self._config.bundle,
            engine=self._engine.name,
            audio=self._config.audio,
            message=message,
            realtime=permitted,
        )
        self._tell(report)
        self._synthesis.template = report
        self._synthesis.prefill()
        settle()
        self._out.start(self._buffer.read)
        self._inputs.start()
        self._thermal.start()

    def play(self, stop: threading.Event, supervisor: int) -> None:
        """Play until ``stop`` is set, the supervisor is gone or the length is over, then fade out.

        UserError where the output gave way (a full disk), the exception of a thread that failed.
        """

        def check() -> None:
            if stop.is_set() or orphaned(supervisor):
                self._synthesis.fade_out()
            self._check()
            self._follow_easing()
            self._follow_change()
            self._follow_notices()

        self._synthesis.run(check)
        end = self._clock.now() + _DRAIN_SECONDS
        while self._buffer.filled and self._clock.now() < end:
            self._clock.sleep(0.002)

    def close(self) -> None:
        """End the threads and close the output."""
        self._thermal.stop()
        self._stop.set()
        if self._plans is not None:
            self._plans.stop()
        self._out.stop()
        self._inputs.join(1.0)
        self._panel.close()
        self._midi.close()
        self._engine.close()

    def summary(self) -> str:
        """Say in one sentence what was played."""
        report = telemetry.unpack(self._shared.telemetry.read())
        underruns = report.underruns + self._out.stats().underruns
        text = "%.1f s played, %s, %s" % (
            report.samples / self._rate,
            _count(report.late, "late frame"),
            _count(underruns, "underrun"),
        )
        if self._config.audio == "file":
            text += ", written to %s" % self._config.out
        return text + "."

    def check_file(self) -> None:
        """Raise UserError where the output file could not be written to its end."""
        if self._out.fault is not None:
            raise UserError(self._out.fault)

    def _check(self) -> None:
        if self._inputs.error is not None:
            raise self._inputs.error
        fault = self._out.fault
        if fault is not None:
            if self._config.audio == "file":
                raise UserError(fault)
            raise RuntimeError(fault)

    def _load(self, folder: str) -> Loaded:
        """Return the voice of another bundle, ready; UserError where it cannot be played. Its own thread."""
        # Loaded here it would hold the interpreter, and with it the sound.
        engine = ElsewhereEngine(self._config.engine)
        try:
            bundle = load_bundle(folder, engine)
            if bundle.info.sample_rate != self._rate:
                raise UserError(
                    "%s: plays at %d Hz, the module is running at %d Hz: start it with --bundle %s"
                    % (folder, bundle.info.sample_rate, self._rate, folder)
                )
            voice = Voice(bundle, unpack_values(self._shared.parameters.read() or b""))
            engine.play()
        except GraphsLost as error:
            engine.close()
            raise UserError("%s: cannot be played (%s)" % (folder, error)) from None
        except BaseException:
            engine.close()
            raise
        return Loaded(voice, engine)

    def _follow_change(self) -> None:
        """Let a bundle that has been loaded play, or say why it does not."""
        outcome = self._change.poll()
        if outcome is None:
            return
        eased = self._easing.changed(outcome)
        if outcome.loaded is None:
            self._say("%s; %s plays on." % (outcome.fault.rstrip("."), self.name))
            return
        voice, engine = outcome.loaded
        self._synthesis.change(voice)
        self._change.discard(self._engine)
        self._engine = engine
        self.name = voice.info.name
        # What was said at the start need not be said with each bundle.
        self._say(eased or (self._engine.note if self._engine.note != self._told else ""))
        self._told = self._engine.note
        self._synthesis.template = self._synthesis.template._replace(
            bundle=self.name, folder=outcome.folder, engine=self._engine.name
        )

    def _follow_easing(self) -> None:
        """Do without something where the machine is too busy or too hot, and say so."""
        sentence = self._easing.follow()
        if sentence:
            self._say(sentence)

    def _follow_plans(self) -> str:
        """Return how far the TensorRT plans are, '' where none are built; play with them once they are there."""
        if self._plans is None:
            return ""
        state = self._plans.poll()
        if state.state == RUNNING:
            return progress_text(state)
        self._plans = None
        self._say(progress_text(state))
        if state.state == FINISHED:
            self._change.request(self._synthesis.template.folder)
        return ""

    def _follow_notices(self) -> None:
        """Let the reports carry what the player should know most of all now."""
        building = self._follow_plans()
        faults, midi_fault = self._panel.faults, self._midi.fault
        message = self._notices.message(self._out.notice, faults + (midi_fault,), building)
        template = self._synthesis.template
        told = template._replace(
            message=message,
            faults=faults,
            midi_fault=midi_fault,
            midi_garbage=self._midi.garbage,
        )
        if told != template:
            self._synthesis.template = told

    def _add_edge(self, edge: Edge) -> None:
        self._synthesis.add_edge(edge)

    def _wish(self, kind: str) -> None:
        self._events.put(Event(kind))

    def _tell(self, report: Report) -> None:
        self._shared.telemetry.write(telemetry.pack(report))


def _warm_voice(bundle: Bundle, values: Dict[str, float]) -> Voice:
    """Return a voice that has played a hit which nobody hears: the first run of a graph is slower than all others."""
    # Whatever the gates do in the patch, here they start it.
    warm = Voice(bundle, dict(values, **{"gate1.role": float(GATE_ROLES.index("trigger"))}))
    warm.render(_WARM_FRAMES * warm.hop, _silent, [Edge(1, True, 0.0), Edge(2, True, 0.0)])
    warm.listen(np.zeros(_WARM_FRAMES * warm.hop, np.float32))
    return Voice(bundle, values)


def _silent(sample: int) -> Volts:
    return SILENT_VOLTS


def _count(number: int, name: str) -> str:
    return "%d %s%s" % (number, name, "" if number == 1 else "s")


def _nothing(samples: np.ndarray) -> None:
    pass


def prepare() -> None:
    """Import what playing needs, which takes longer than all the rest of a start."""
    import onnxruntime  # noqa: F401


def work(settings: Dict[str, Any], status: StatusPipe) -> None:
    """Be the sound process."""
    stop = threading.Event()
    stop_on_signal(stop.set)
    config = Config(**settings["config"])
    shared = SharedMemory(settings["shared"])
    commands = CommandReceiver(from_descriptor(settings["commands"]))
    try:
        sound = Sound(config, shared, commands, SystemClock())
        with awake(CPU_LATENCY if config.awake else None):
            sound.start()
            status.send(READY, sound.name)
            try:
                sound.play(stop, settings["supervisor"])
            finally:
                sound.close()
        sound.check_file()
        status.send(DONE, sound.summary())
    except Exception as error:
        # The face shows it at once; what becomes of it is the supervisor's affair.
        text = str(error) if isinstance(error, UserError) else describe(error)
        report = telemetry.unpack(shared.telemetry.read())
        shared.telemetry.write(telemetry.pack(report._replace(state=telemetry.FAULT, message=text)))
        raise


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    return run_child(arguments, work)
