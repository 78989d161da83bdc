"""The gate roles in the running module: the same constant delay, and the same sound as offline."""

import random
from typing import Any, Dict, List

import numpy as np
import pytest

from neurorave_device.audio.output import OutputStage
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge
from neurorave_device.link.settings import pack_morph
from neurorave_device.link.telemetry import Report, unpack
from neurorave_device.parameters import PATCH_PARAMETERS, by_id
from neurorave_device.storage.morph import Morph

from .sound_rig import BLOCK, RATE, Rig, sound_of
from .test_sound import _Stopping
from .toy import TOY


@pytest.fixture
def make_rig() -> Any:
    made: List[Rig] = []

    def make(values: Dict[str, Any], **options: Any) -> Rig:
        rig = Rig(values={key: by_id(key).parse(raw) for key, raw in values.items()}, **options)
        made.append(rig)
        rig.collected = []  # type: ignore[attr-defined]
        add_edge = rig.synthesis.add_edge

        def note(edge: Edge) -> None:
            late = edge._replace(time=edge.time + rig.plan.gate)
            rig.collected.append(late)  # type: ignore[attr-defined]
            add_edge(edge)

        rig.scan._add_edge = note
        return rig

    yield make
    for rig in made:
        rig.close()


def offline(rig: Any, count: int) -> np.ndarray:
    """Return what the voice makes of the same gates when it knows them all beforehand."""
    voice = Voice(load_bundle(TOY), rig.values)
    stage = OutputStage(RATE, rig.values["level"], limiter_db=rig.values["limiter"])
    sound = voice.render(count, lambda sample: (0.0, 0.0, 0.0, 0.0), rig.collected)
    return stage.play(sound, 0, voice.steering.take_levels(count))


# Both gates change the sound at an edge, and time moves what is between: motions, a release, a limiter.
LIVELY = {
    "release": 0.03,
    "limiter": -6.0,
    "vary": 0.5,
    "motion.centroid.shape": "drift",
    "motion.centroid.rate": 7.0,
    "motion.latent_0.shape": "triangle",
    "motion.latent_0.rate": 3.0,
}


@pytest.mark.parametrize("latency", [20.0, 45.0])
@pytest.mark.parametrize(
    "one, two",
    [("hold", "trigger"), ("toggle", "hold"), ("trigger", "reset"), ("hold", "hold")],
)
def test_what_the_output_gets_is_what_the_voice_makes_offline(
    make_rig: Any, one: str, two: str, latency: float
) -> None:
    rig = make_rig(dict(LIVELY, **{"gate1.role": one, "gate2.role": two}), latency=latency)
    rig.run(rig.clock.now() + 0.05)
    random.seed(one + two)
    down = [False, False]
    for _ in range(40):
        rig.run(rig.clock.now() + random.uniform(0.004, 0.03))
        gate = random.randrange(2)
        down[gate] = not down[gate]
        rig.press(gate + 1, down[gate])
    rig.run(rig.clock.now() + 0.1)
    live = sound_of(rig)
    whole = offline(rig, live.size)
    assert rig.voice.late_edges == 0 and rig.buffer.underruns == 0
    assert np.abs(whole).max() > 0.01
    assert np.abs(live - whole).max() < 1e-5


def test_a_release_begins_the_constant_delay_after_its_fall(make_rig: Any) -> None:
    rig = make_rig({"gate1.role": "hold", "release": 0.005, "rms.mode": "asked", "rms.value": 0.9})
    start = rig.clock.now()
    falls = []
    for number in range(20):
        rig.run(start + 0.1 + 0.0777 * number)
        rig.press(1, True)
        rig.run(start + 0.13 + 0.0777 * number)
        rig.press(1, False)
        falls.append(0.13 + 0.0777 * number)
    rig.run(start + 2.0)
    sound = sound_of(rig)
    for fall in falls:
        # The output takes sample 0 at the start: what is pressed at t belongs to the sample that is due at t.
        end = round((fall + rig.plan.gate + 0.005) * RATE) + BLOCK
        assert np.abs(sound[end - 300 : end - 200]).max() > 1e-2
        assert np.abs(sound[end - 60 : end - 20]).max() > 0.0
        # Behind the voice only the DC block rings on.
        assert np.abs(np.diff(sound[end + 2 : end + 400])).max() < 1e-4


@pytest.mark.parametrize("blocks", [5, 9])
def test_a_stop_while_a_release_is_made_makes_it_late_and_moves_no_hit(
    make_rig: Any, blocks: int
) -> None:
    rig = make_rig({"gate1.role": "hold", "release": 0.02}, latency=45.0)
    rig.run(rig.clock.now() + 0.1)
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.06)
    started = rig.voice.started_at
    rig.press(1, False)
    fall = rig.voice.sample_of(rig.synthesis._edges[-1])
    _Stopping(rig, blocks)
    rig.fill()
    rig.next_pull += blocks * BLOCK / RATE
    rig.run(rig.clock.now() + 0.2)
    assert rig.voice.late_edges == 1 and rig.buffer.underruns == 0
    assert rig.voice.started_at == started and rig.voice.take_triggers() == [started]
    sound = sound_of(rig)
    # It dies away whole, only later, and without a step.
    end = fall + (blocks + 3) * BLOCK + round(0.02 * RATE)
    assert np.abs(sound[fall + 200 : fall + 800]).max() > 1e-3
    assert np.abs(np.diff(sound[end : end + 2000])).max() < 1e-4
    hit = np.abs(np.diff(sound[:fall])).max()
    assert np.abs(np.diff(sound[fall - 100 :])).max() <= 1.5 * hit + 0.01


def report(rig: Rig) -> Report:
    return unpack(rig.shared.telemetry.read())


def test_gates_ask_the_module_for_the_next_preset_and_model(make_rig: Any) -> None:
    rig = make_rig({"gate1.role": "next preset", "gate2.role": "next model"})
    rig.run(rig.clock.now() + 0.1)
    for gate in (1, 2, 1):
        rig.press(gate, True)
        rig.run(rig.clock.now() + 0.1)
        rig.press(gate, False)
        rig.run(rig.clock.now() + 0.1)
    assert rig.wishes == ["next preset", "next model", "next preset"]
    assert not sound_of(rig).any()


def test_the_report_tells_of_cables_freeze_macro_and_morph(make_rig: Any) -> None:
    rig = make_rig({"gate2.role": "freeze", "cv4.destination": "macro", "morph": 0.3})
    rig.panel.set_jack(4, source="manual", value=2.5)
    # Also while nothing sounds.
    rig.run(rig.clock.now() + 0.3)
    told = report(rig)
    assert told.patched == (False, False, False, True)
    assert told.macro == pytest.approx(0.5, abs=0.01)
    assert told.morph == pytest.approx(0.3) and not told.frozen
    rig.press(2, True)
    rig.run(rig.clock.now() + 0.2)
    assert report(rig).frozen


def test_a_morph_in_shared_memory_plays_and_ends(make_rig: Any) -> None:
    rig = make_rig({"morph": 1.0})
    ends = [{row.id: row.default for row in PATCH_PARAMETERS} for _ in range(2)]
    ends[1]["level"] = -60.0
    rig.run(rig.clock.now() + 0.1)
    for morph, quiet in ((None, False), (Morph(ends[0], ends[1]), True), (None, False)):
        rig.shared.morph.write(pack_morph(morph))
        rig.run(rig.clock.now() + 0.2)
        before = len(rig.heard)
        rig.press(1, True)
        rig.run(rig.clock.now() + 0.2)
        rig.press(1, False)
        loudest = np.abs(np.concatenate(rig.heard[before:])).max()
        assert loudest < 0.002 if quiet else loudest > 0.01
