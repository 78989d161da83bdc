"""What the face hands to the sound process, and the outputs it can play into, also those that fail."""

import os
from typing import Any, Callable, List, Optional

import numpy as np
import pytest

from neurorave_device.audio.base import AudioOut, AudioStats
from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config
from neurorave_device.errors import UserError
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver, make_pipe
from neurorave_device.link.settings import apply_panel, pack_panel, pack_values, unpack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.parameters import default_values
from neurorave_device.processes.child import StatusPipe
from neurorave_device.sound_process import sound as sound_module
from neurorave_device.sound_process.sound import Sound, make_out
from neurorave_device.sound_process.timing import timing
from tests.device.toy import CV, TOY, copy_toy

RATE = 44100
BLOCK = 128
PERIOD = BLOCK / RATE
HOP = 512


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
    # What is refused only when it starts has made this thread real-time before.
    before = os.sched_getscheduler(0)
    try:
        with pytest.raises(UserError) as caught:
            Sound(config, shared, CommandReceiver(receiving), VirtualClock()).start()
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))
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
    dry = True

    @property
    def fault(self) -> Optional[str]:
        return "x.wav: no space left" if self.blocks > 0 else None

    def start(self, pull: Any) -> None:
        # A read beyond what is there ends in a gap, and that would be told.
        pull(np.zeros(CAPACITY, np.float32))
        self.dry = pull.__self__.underruns > 0
        self.blocks += 1

    def stop(self) -> None:
        self.blocks += 1

    def stats(self) -> AudioStats:
        return AudioStats(0, 0, self.blocks)


CAPACITY = timing(20.0, BLOCK, RATE, 512).capacity


@pytest.mark.parametrize("audio,error", [("file", UserError), ("browser", RuntimeError)])
def test_an_output_that_gives_way_ends_the_process_and_the_face_sees_why(
    audio: str, error: Any, shared: Any, monkeypatch: Any
) -> None:
    out = FullDisk()
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
    assert not out.dry, "the buffer was full before the output began"
    receiving.close()
    sending.close()


def test_no_sound_card_is_refused_with_what_to_use_instead(shared: Any, monkeypatch: Any) -> None:
    from neurorave_device.audio import soundcard

    class NoCards:
        PortAudioError = RuntimeError

        @staticmethod
        def query_devices() -> List[Any]:
            return []

    monkeypatch.setattr(soundcard, "import_backend", lambda: NoCards)
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
