"""The panel `audio` on a real PortAudio stream: a recording that is played into a card is read as volts and gates."""

import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from neurorave_device.inputs.sample_clock import LOCKED_SECONDS
from tests.device.card_process import CardProcess
from tests.device.pulse import JACK_CHANNELS, RATE, PulseRig

PATIENCE = 40.0
CVS = (1.0, -2.5, 3.25, 0.5)
GATE_SECONDS = 0.05
GATES = 12


def recording(path: Path) -> None:
    """Write steady CVs, and gate 1 a little later each time with gate 2 half way between."""
    samples = np.zeros((int(2.5 * RATE), JACK_CHANNELS), "<f4")
    samples[:, :4] = np.array(CVS) / 10.0
    for number in range(GATES):
        start = 0.8 + 0.11 * number + 0.003 * number
        for channel, at in ((4, start), (5, start + GATE_SECONDS / 2)):
            first = round(at * RATE)
            samples[first : first + round(GATE_SECONDS * RATE), channel] = 0.5
    path.write_bytes(samples.tobytes())


def reading(rig: PulseRig) -> CardProcess:
    """Return the reading process; its state is what it has seen since the last time."""
    return CardProcess(rig, PATIENCE, "tests.device.card_reader")


def heard(state: Dict[str, Any]) -> bool:
    """Whether the volts of the recording are there."""
    return any(np.allclose(volts, CVS, atol=0.002) for volts in state["volts"])


def played(rig: PulseRig, reader: CardProcess, path: Path) -> List[Any]:
    """Play the recording to its end and return the edges that were seen."""
    player = rig.play_jacks(str(path))
    edges: List[Any] = []
    volts = False
    while player.poll() is None:
        time.sleep(0.05)
        state = reader.state()
        edges += state["edges"]
        volts = volts or heard(state)
    time.sleep(0.5)
    assert volts, "the CVs were not read"
    return edges + reader.state()["edges"]


def test_a_recording_that_is_played_into_the_card_is_read(rig: PulseRig, tmp_path: Path) -> None:
    path = tmp_path / "cv.raw"
    recording(path)
    with reading(rig) as reader:
        reader.wait(lambda state: state["fault"] == "" and len(state["volts"]) > 10)
        # Until the times of samples are steady.
        time.sleep(LOCKED_SECONDS + 0.5)
        # A machine that is too busy loses samples on the way, and gates with them: it gets another try.
        for _ in range(3):
            edges = played(rig, reader, path)
            rises = [[edge[2] for edge in edges if edge[0] == gate and edge[1]] for gate in (1, 2)]
            if [len(times) for times in rises] == [GATES, GATES]:
                break
        assert [len(times) for times in rises] == [GATES, GATES], edges
        falls = [edge[2] for edge in edges if edge[0] == 1 and not edge[1]]
        # Both gates come in the same stream: whatever the machine does, they keep their distance.
        apart = np.array(rises[1]) - np.array(rises[0])
        assert np.abs(apart - GATE_SECONDS / 2).max() < 0.002
        assert np.abs(np.array(falls) - np.array(rises[0]) - GATE_SECONDS).max() < 0.002


def test_a_card_that_goes_is_said_and_comes_back(rig: PulseRig, tmp_path: Path) -> None:
    path = tmp_path / "cv.raw"
    recording(path)
    with reading(rig) as reader:
        reader.wait(lambda state: state["fault"] == "" and len(state["volts"]) > 10)
        played(rig, reader, path)
        rig.kill()
        state = reader.wait(lambda state: state["fault"] != "")
        assert "'jacks' with the jacks" in state["fault"]
        rig.start()
        reader.wait(lambda state: state["fault"] == "")
        played(rig, reader, path)
