"""The sound process's parts in virtual time: constant gate delay, no drift after gaps, the fade at the end."""

import os
import random
from typing import Any, Callable, List, Optional

import numpy as np
import pytest

from neurorave_device import sound as sound_module
from neurorave_device import telemetry
from neurorave_device.audio.base import AudioOut, AudioStats
from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.output import OutputStage
from neurorave_device.clock import VirtualClock
from neurorave_device.commands import CommandReceiver, CommandSender, GatePress, make_pipe
from neurorave_device.config import Config
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Edge, Panel, Volts
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.parameters import default_values
from neurorave_device.processes import StatusPipe
from neurorave_device.scan import InputScan
from neurorave_device.settings import apply_panel, pack_panel, pack_values, unpack_values
from neurorave_device.shared import AudioRing, SharedMemory
from neurorave_device.sound import Sound, make_out
from neurorave_device.stream import StreamClock, VoltHistory
from neurorave_device.synthesis import Synthesis
from neurorave_device.timing import timing
from tests.device.toy import CV, TOY, copy_toy

RATE = 44100
BLOCK = 128
PERIOD = BLOCK / RATE
HOP = 512


class Rig:
    """Inputs, synthesis and output of a sound process, run by hand on one virtual clock.

    The output takes a block each period; the scan runs each millisecond; buttons are pressed at any time.
    """

    def __init__(
        self, length: Optional[int] = None, panel: Optional[Panel] = None, meter: bool = False
    ) -> None:
        self.clock = VirtualClock(500.0)
        self.shared = SharedMemory.create()
        self.values = default_values()
        self.shared.parameters.write(pack_values(self.values))
        receiving, self.sending = make_pipe()
        self.receiving = receiving
        self.plan = timing(20.0, BLOCK, RATE)
        self.stream = StreamClock(self.clock, RATE)
        self.history = VoltHistory()
        self.panel = panel or VirtualPanel(self.stream)
        self.buffer = FrameBuffer(self.plan.capacity)
        self.voice = Voice(load_bundle(TOY), self.values, meter)
        self.stage = OutputStage(RATE, self.values["level"])
        self.synthesis = Synthesis(
            self.voice,
            self.stage,
            self.buffer,
            self.stream,
            self.history,
            self.shared.parameters,
            self.shared.telemetry,
            BLOCK,
            self.plan.delay,
            self.shared.ring.write,
            self.clock,
            length,
        )
        self.scan = InputScan(
            self.panel,
            Calibration(),
            self.stream,
            self.history,
            self.synthesis.add_edge,
            CommandReceiver(receiving),
            self.shared.panel,
        )
        self.commands = CommandSender(self.sending)
        self.heard: List[np.ndarray] = []
        self.edges: List[Edge] = []
        self.synthesis.prefill()
        self.next_pull = self.clock.now()
        self.next_scan = self.clock.now()

    def close(self) -> None:
        self.shared.close()
        self.receiving.close()
        self.sending.close()

    def pull(self) -> None:
        out = np.zeros(BLOCK, np.float32)
        self.buffer.read(out)
        self.heard.append(out)

    def fill(self) -> None:
        while self.synthesis.step():
            pass

    def run(self, until: float, starved: bool = False) -> None:
        """Let the output, the synthesis (unless ``starved``) and the scan work up to a time."""
        while True:
            due = min(self.next_pull, self.next_scan)
            if due > until:
                self.clock.advance(until - self.clock.now())
                return
            self.clock.advance(due - self.clock.now())
            if due == self.next_pull:
                self.pull()
                self.next_pull += PERIOD
                if not starved:
                    self.fill()
            else:
                self.next_scan += 0.001
                self.scan.step()

    def press(self, gate: int, down: bool) -> None:
        """A button's message arrives: the scan wakes at once, as its wait on the pipe does."""
        assert self.commands.send(GatePress(gate, down))
        self.scan.step()

    @property
    def taken(self) -> int:
        """How many samples the output has taken of the voice's sound."""
        return self.voice.position - self.buffer.filled


@pytest.fixture
def make_rig() -> Any:
    made: List[Rig] = []

    def make(*arguments: Any, **options: Any) -> Rig:
        made.append(Rig(*arguments, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def sound_of(rig: Rig) -> np.ndarray:
    return np.concatenate(rig.heard)


def test_200_presses_at_random_times_all_sound_after_the_same_delay(make_rig: Any) -> None:
    rig = make_rig()
    random.seed(3)
    start = rig.clock.now()
    time = start + 0.05
    pressed = []
    for _ in range(200):
        time += random.uniform(0.008, 0.016)
        rig.run(time)
        rig.press(1, True)
        pressed.append(time - start)
        rig.run(time + 0.004)
        rig.press(1, False)
    rig.run(time + 0.1)
    triggers = rig.voice.take_triggers()
    assert len(triggers) == 200
    # The output takes sample 0 at the start: what is pressed at t belongs to the sample that is due at t.
    delays = [sample - then * RATE for sample, then in zip(triggers, pressed)]
    assert max(delays) - min(delays) <= 1.0
    assert abs(np.mean(delays) - (rig.plan.delay * RATE + BLOCK)) <= 1.0
    assert rig.voice.late_edges == 0
    assert rig.buffer.underruns == 0


def test_what_the_output_gets_is_what_the_voice_makes_offline(make_rig: Any) -> None:
    rig = make_rig()
    collected: List[Edge] = []
    add_edge = rig.synthesis.add_edge

    def note(edge: Edge) -> None:
        collected.append(edge._replace(time=edge.time + rig.plan.delay))
        add_edge(edge)

    rig.scan._add_edge = note
    start = rig.clock.now()
    for number, time in enumerate((0.0501, 0.11, 0.1234, 0.3)):
        rig.run(start + time)
        rig.press(1 + number % 2, number % 3 != 2)
    rig.run(start + 0.8)
    live = sound_of(rig)
    voice = Voice(load_bundle(TOY), rig.values)
    stage = OutputStage(RATE, rig.values["level"])
    whole = stage.process(voice.render(live.size, lambda sample: (0.0, 0.0, 0.0, 0.0), collected))
    assert np.abs(whole).max() > 0.01
    assert np.abs(live - whole).max() < 1e-5
    # The ring had it all, too, and a little more: what waits in the buffer.
    position, copy = rig.shared.ring.read(0)
    assert position == rig.voice.position
    assert np.array_equal(copy[: live.size], live)


def test_gates_are_not_shifted_by_gaps_however_many_there_were(make_rig: Any) -> None:
    rig = make_rig()

    def delay_of_a_press() -> float:
        rig.run(rig.clock.now() + 0.05)
        rig.press(1, True)
        at = rig.taken
        rig.run(rig.clock.now() + 0.05)
        rig.press(1, False)
        return float(rig.voice.take_triggers()[-1] - at)

    before = delay_of_a_press()
    for _ in range(5):
        rig.run(rig.clock.now() + 0.1, starved=True)
        rig.run(rig.clock.now() + 0.05)
    assert rig.buffer.underruns > 0
    rig.run(rig.clock.now() + 1.0)
    # Within a block: the press falls anywhere between two blocks that the output takes.
    assert abs(delay_of_a_press() - before) <= BLOCK


def test_a_jack_that_the_face_patches_moves_the_voice(make_rig: Any) -> None:
    rig = make_rig()
    face = VirtualPanel(rig.clock)
    face.set_jack(1, source="manual", value=2.5)
    face.set_jack(3, source="square", value=0.0, depth=4.0, rate=10.0)
    rig.shared.panel.write(pack_panel(face))
    rig.run(rig.clock.now() + 1.0)
    volts = telemetry.unpack(rig.shared.telemetry.read()).volts
    assert volts[0] == 2.5 and volts[1] == 0.0
    seen = {rig.history.at(rig.stream.now() - back * 0.001)[2] for back in range(200)}
    assert seen == {-4.0, 4.0}


def test_a_gate_clock_that_the_face_starts_triggers_at_its_rate(make_rig: Any) -> None:
    rig = make_rig()
    face = VirtualPanel(rig.clock)
    face.set_clock(1, on=True, rate=8.0)
    rig.shared.panel.write(pack_panel(face))
    rig.run(rig.clock.now() + 1.0)
    triggers = rig.voice.take_triggers()
    assert len(triggers) in (7, 8)
    assert set(np.diff(triggers)) <= {5512, 5513}


def test_a_parameter_that_the_face_sets_is_taken_at_the_next_block(make_rig: Any) -> None:
    rig = make_rig()
    updates = []
    update = rig.voice.update
    rig.voice.update = lambda values: (updates.append(values["seed"]), update(values))
    rig.values.update(seed=77.0, level=-60.0)
    rig.shared.parameters.write(pack_values(rig.values))
    rig.run(rig.clock.now() + 0.01)
    assert updates[-1] == 77.0
    count = len(updates)
    rig.run(rig.clock.now() + 0.3)
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.5)
    assert len(updates) == count
    assert 0.0 < np.abs(sound_of(rig)).max() < 0.002


def test_the_report_tells_what_was_asked_heard_and_how_loud(make_rig: Any) -> None:
    rig = make_rig(meter=True)
    rig.run(rig.clock.now() + 0.1)
    before = rig.shared.telemetry.sequence
    quiet = telemetry.unpack(rig.shared.telemetry.read())
    assert (quiet.state, quiet.peak, quiet.gates) == ("playing", 0.0, (False, False))
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.2)
    report = telemetry.unpack(rig.shared.telemetry.read())
    frames = rig.shared.telemetry.sequence - before
    assert abs(frames - 0.2 * RATE / HOP) <= 1.0
    assert report.gates == (True, False)
    assert report.peak >= report.level > 0.001
    assert len(report.asked) == len(report.heard) == len(report.mask) == 5
    assert report.heard[0] > quiet.heard[0]
    assert 0 <= rig.voice.position - report.samples < HOP
    assert report.time == pytest.approx(report.samples / float(RATE))


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_length_ends_with_a_fade_at_its_end(make_rig: Any, seconds: float) -> None:
    rig = make_rig(length=int(seconds * RATE))
    start = rig.clock.now()
    rig.run(start + 0.05)
    rig.press(1, True)
    rig.run(start + seconds + 0.2)
    assert rig.synthesis.ended
    sound = sound_of(rig)
    last = int(np.flatnonzero(sound)[-1])
    assert seconds * RATE - 2 * BLOCK <= last < seconds * RATE + 2 * BLOCK
    assert rig.buffer.underruns == 0
    assert telemetry.unpack(rig.shared.telemetry.read()).state == "stopping"


def test_the_end_never_clicks(make_rig: Any) -> None:
    rig = make_rig()
    start = rig.clock.now()
    rig.run(start + 0.05)
    rig.press(1, True)
    rig.run(start + 0.15)
    playing = sound_of(rig)
    steepest = np.abs(np.diff(playing)).max()
    rig.synthesis.fade_out()
    rig.run(start + 0.3)
    assert rig.synthesis.ended
    sound = sound_of(rig)
    assert np.abs(np.diff(sound)).max() <= 1.2 * steepest
    assert not sound[-BLOCK:].any()
    assert rig.buffer.underruns == 0


def test_a_recording_moves_the_jacks_and_buttons_do_not(make_rig: Any) -> None:
    class Recorded(Panel):
        """A panel as a recording is: its edges are known beforehand."""

        edges = [Edge(1, True, 0.1), Edge(1, False, 0.2)]

        def read(self, now: float) -> Volts:
            return (now, 0.0, 0.0, 0.0)

        def take_edges(self, until: float) -> Any:
            taken = tuple(edge for edge in self.edges if edge.time <= until)
            self.edges = [edge for edge in self.edges if edge.time > until]
            return taken

    rig = make_rig(panel=Recorded())
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.5)
    assert rig.voice.take_triggers() == [round((0.1 + rig.plan.delay) * RATE)]
    # The button's message was taken all the same: one that waits would wake the scan for ever.
    assert not CommandReceiver(rig.receiving).wait(0)
    # What the voice asks for is as old as the delay, to the scan's millisecond.
    sample = rig.voice.position
    assert rig.synthesis._volts_at(sample)[0] == pytest.approx(
        sample / RATE - rig.plan.delay, abs=0.0011
    )


def test_values_and_patching_survive_their_records() -> None:
    values = default_values()
    values["cv3.amount"] = -1.25
    assert unpack_values(pack_values(values)) == values
    clock = VirtualClock()
    first, second = VirtualPanel(clock), VirtualPanel(clock)
    first.set_jack(2, source="saw", value=-3.0, rate=0.5, depth=1.0)
    first.set_clock(2, on=True, rate=3.0)
    apply_panel(pack_panel(first), second)
    assert pack_panel(second) == pack_panel(first)
    apply_panel(None, second)
    assert pack_panel(second) == pack_panel(first)


def test_patching_one_jack_leaves_the_clocks_alone() -> None:
    clock = VirtualClock()
    face, sound = VirtualPanel(clock), VirtualPanel(clock)
    face.set_clock(1, on=True, rate=2.0)
    apply_panel(pack_panel(face), sound)
    clock.advance(0.3)
    face.set_jack(1, source="manual", value=1.0)
    apply_panel(pack_panel(face), sound)
    clock.advance(1.0)
    rises = [edge.time for edge in sound.take_edges(1.2) if edge.rising]
    assert rises == pytest.approx([0.0, 0.5, 1.0])


def refused(config: Config, shared: SharedMemory) -> str:
    receiving, sending = make_pipe()
    try:
        with pytest.raises(UserError) as caught:
            Sound(config, shared, CommandReceiver(receiving), VirtualClock()).start()
    finally:
        receiving.close()
        sending.close()
    return str(caught.value)


@pytest.fixture
def shared() -> Any:
    block = SharedMemory.create()
    block.parameters.write(pack_values(default_values()))
    yield block
    block.close()


def test_what_cannot_be_played_is_refused_in_a_sentence(shared: Any, tmp_path: Any) -> None:
    bundle = copy_toy(tmp_path)
    with open(bundle + "/prior.onnx", "ab") as handle:
        handle.write(b"tampered")
    assert "prior.onnx" in refused(Config(bundle=bundle, audio="null"), shared)
    missing = str(tmp_path / "no.wav")
    assert missing in refused(
        Config(bundle=TOY, audio="null", panel="replay", cv_file=missing), shared
    )
    unwritable = str(tmp_path / "none" / "x.wav")
    assert unwritable in refused(Config(bundle=TOY, audio="file", out=unwritable), shared)
    assert "tensorrt" in refused(Config(bundle=TOY, audio="null", engine="tensorrt"), shared)


class Collector(StatusPipe):
    """A status pipe whose other end is the test."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.said: List[str] = []

    def send(self, kind: str, text: str = "") -> None:
        self.said.append(kind)


class FullDisk(AudioOut):
    """An output that takes some blocks and then has a fault."""

    blocks = 0
    made_before = -1

    def __init__(self, ring: AudioRing) -> None:
        self.ring = ring

    @property
    def fault(self) -> Optional[str]:
        return "x.wav: no space left" if self.blocks > 0 else None

    def start(self, pull: Any) -> None:
        self.made_before = self.ring.written
        pull(np.zeros(BLOCK, np.float32))
        self.blocks += 1

    def stop(self) -> None:
        self.blocks += 1

    def stats(self) -> AudioStats:
        return AudioStats(0, 0, self.blocks)


CAPACITY = timing(20.0, BLOCK, RATE).capacity


# The browser's ring is filled by its own output, which this one is not; all others are listened to as they are made.
@pytest.mark.parametrize(
    "audio,error,made", [("file", UserError, CAPACITY), ("browser", RuntimeError, 0)]
)
def test_an_output_that_gives_way_ends_the_process_and_the_face_sees_why(
    audio: str, error: Any, made: int, shared: Any, monkeypatch: Any
) -> None:
    out = FullDisk(shared.ring)
    monkeypatch.setattr(sound_module, "make_out", lambda *_: out)
    for name in ("settle", "stop_on_signal"):
        # Both act on this whole process.
        monkeypatch.setattr(sound_module, name, lambda *_: None)
    monkeypatch.setattr(sound_module, "raise_priority", lambda _: False)
    receiving, sending = make_pipe()
    settings = {
        "config": Config(bundle=TOY, audio=audio, out="x.wav")._asdict(),
        "shared": os.dup(shared.descriptor),
        "commands": os.dup(receiving.fileno()),
        "supervisor": os.getppid(),
    }
    status = Collector()
    with pytest.raises(error) as caught:
        sound_module.work(settings, status)
    assert "no space left" in str(caught.value)
    report = telemetry.unpack(shared.telemetry.read())
    assert report.state == "fault" and "x.wav: no space left" in report.message
    assert status.said == ["ready"]
    assert out.blocks == 2
    # The buffer was full before the output began.
    assert out.made_before == made
    receiving.close()
    sending.close()


def test_no_sound_card_is_refused_with_what_to_use_instead(shared: Any, monkeypatch: Any) -> None:
    from neurorave_device.audio import soundcard

    class NoCards:
        PortAudioError = RuntimeError

        @staticmethod
        def query_devices() -> List[Any]:
            return []

    monkeypatch.setattr(soundcard, "_import_backend", lambda: NoCards)
    said = refused(Config(bundle=TOY, audio="soundcard"), shared)
    assert "--audio browser" in said


@pytest.mark.parametrize("audio", ["browser", "soundcard", "file", "null"])
def test_every_output_that_can_be_configured_can_be_made(audio: str, shared: Any) -> None:
    config = Config(audio=audio, out="x.wav")
    out = make_out(config, RATE, VirtualClock(), shared.ring)
    assert out.stats().blocks == 0


def test_the_browser_gets_each_block_in_the_ring(shared: Any) -> None:
    clock = VirtualClock()
    out: Any = make_out(Config(audio="browser"), RATE, clock, shared.ring)
    made: List[float] = []

    def pull(block: np.ndarray) -> None:
        made.append(float(len(made)))
        block.fill(made[-1])

    fill: Callable[[np.ndarray], None] = pull
    out.open(fill)
    for _ in range(10):
        out.step()
    position, samples = shared.ring.read(0)
    assert position == 10 * BLOCK
    assert np.array_equal(samples, np.repeat(np.arange(10.0), BLOCK))
    # Paced: ten blocks take their time and no more than that.
    assert clock.now() == pytest.approx(10 * PERIOD)


def test_the_recording_of_the_repository_can_be_played_live(shared: Any) -> None:
    receiving, sending = make_pipe()
    config = Config(bundle=TOY, audio="null", panel="replay", cv_file=CV)
    sound = Sound(config, shared, CommandReceiver(receiving), VirtualClock())
    assert sound.name == "toy"
    receiving.close()
    sending.close()
