"""The sound process's parts in virtual time: constant gate delay, no drift after gaps, the fade at the end."""

import random
from typing import Any, List

import numpy as np
import pytest

from neurorave_device.audio.output import OutputStage
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Panel, Volts
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver
from neurorave_device.link.settings import pack_panel, pack_values
from neurorave_device.sound_process.stream import AHEAD_SECONDS
from tests.device.toy import TOY

from .sound_rig import BLOCK, HOP, PERIOD, RATE, Rig, sound_of


@pytest.fixture
def make_rig() -> Any:
    made: List[Rig] = []

    def make(*arguments: Any, **options: Any) -> Rig:
        made.append(Rig(*arguments, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


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
    assert abs(np.mean(delays) - (rig.plan.gate * RATE + BLOCK)) <= 1.0
    assert rig.voice.late_edges == 0
    assert rig.buffer.underruns == 0


def test_what_the_output_gets_is_what_the_voice_makes_offline(make_rig: Any) -> None:
    rig = make_rig()
    collected: List[Edge] = []
    add_edge = rig.synthesis.add_edge

    def note(edge: Edge) -> None:
        collected.append(edge._replace(time=edge.time + rig.plan.gate))
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
    # The ring had it all, too.
    position, copy = rig.shared.ring.read(0)
    assert live.size - BLOCK <= position <= live.size
    assert np.array_equal(copy, live[:position])


@pytest.mark.parametrize("latency", [6.0, 20.0, 80.0])
def test_a_gate_does_not_wait_for_what_is_queued(make_rig: Any, latency: float) -> None:
    rig = make_rig(latency=latency)
    rig.run(rig.clock.now() + 0.2)
    rig.press(1, True)
    pressed = rig.taken
    rig.run(rig.clock.now() + 0.1)
    sound = sound_of(rig)
    first = int(np.flatnonzero(np.abs(sound) > 1e-4)[0])
    assert 0 <= first - pressed - rig.plan.gate * RATE <= BLOCK + 20
    assert rig.plan.gate < 0.010


def test_hits_2_ms_apart_all_sound_and_nothing_clicks(make_rig: Any) -> None:
    alone = make_rig()
    rig = make_rig()
    for number, one in enumerate((alone, rig)):
        one.values.update(temperature=0.0)
        one.shared.parameters.write(pack_values(one.values))
        one.run(one.clock.now() + 0.1)
        for _ in range(1 + 30 * number):
            one.press(1, True)
            one.run(one.clock.now() + 0.001)
            one.press(1, False)
            one.run(one.clock.now() + 0.0011)
        one.run(one.clock.now() + 0.2)
    assert len(rig.voice.take_triggers()) == 31
    assert (rig.voice.late_edges, rig.buffer.underruns, rig.synthesis.late) == (0, 0, 0)
    hit = sound_of(alone)
    fade = np.abs(hit).max() * np.pi / 2.0 / round(0.004 * RATE)
    assert np.abs(np.diff(sound_of(rig))).max() <= 3.0 * (np.abs(np.diff(hit)).max() + fade)


def test_a_gate_that_is_noticed_late_acts_as_soon_as_it_can_and_is_counted(make_rig: Any) -> None:
    rig = make_rig()
    rig.run(rig.clock.now() + 0.1)
    rig.synthesis.add_edge(Edge(1, True, rig.stream.now() - 0.008))
    rig.run(rig.clock.now() + 0.1)
    (trigger,) = rig.voice.take_triggers()
    sound = sound_of(rig)
    assert rig.voice.late_edges == 1
    assert np.flatnonzero(sound)[0] in range(trigger, trigger + 3)
    assert rig.buffer.underruns == 0


def test_a_gate_leaves_a_frame_of_its_hit_in_the_buffer(make_rig: Any) -> None:
    rig = make_rig(latency=45.0)
    rig.run(rig.clock.now() + 0.1)
    rig.press(1, True)
    assert rig.buffer.free < BLOCK
    rig.synthesis._take_edges()
    # A machine that stops now has so much time.
    assert rig.buffer.filled >= HOP + BLOCK
    assert rig.synthesis.late == 0


class _Stopping:
    """Lets the output go on while a hit is made: the machine, or the model, takes its time."""

    def __init__(self, rig: Rig, blocks: int) -> None:
        self._rig = rig
        self._blocks = blocks
        self._render = rig.voice.render
        rig.voice.render = self  # type: ignore[method-assign]

    def __call__(self, *arguments: Any, **options: Any) -> np.ndarray:
        blocks, self._blocks = self._blocks, 0
        for _ in range(blocks):
            self._rig.pull()
        return self._render(*arguments, **options)


@pytest.mark.parametrize("latency", [12.0, 20.0, 45.0])
@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 9, 15])
def test_a_stop_while_a_hit_is_made_makes_it_late_and_no_gap(
    make_rig: Any, blocks: int, latency: float
) -> None:
    rig = make_rig(latency=latency)
    rig.run(rig.clock.now() + 0.1)
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.05)
    taken = rig.taken
    rig.press(1, False)
    rig.press(1, True)
    wanted = rig.voice.sample_of(rig.synthesis._edges[-1])
    assert wanted < rig.voice.position
    filled = rig.buffer.filled
    _Stopping(rig, blocks)
    rig.fill()
    rig.next_pull += blocks * PERIOD
    rig.run(rig.clock.now() + 0.2)
    assert (rig.buffer.underruns > 0) == (blocks * BLOCK > filled)
    assert rig.synthesis.late == int(blocks * BLOCK >= filled)
    _, second = rig.voice.take_triggers()
    in_time = taken + (blocks + 1) * BLOCK <= wanted
    assert rig.voice.late_edges == int(not in_time)
    assert second == wanted if in_time else wanted < second <= taken + (blocks + 2) * BLOCK
    if blocks * BLOCK <= filled:
        sound = sound_of(rig)
        first_hit = np.abs(np.diff(sound[: taken + 2 * BLOCK])).max()
        fade = np.abs(sound).max() * np.pi / 2.0 / round(0.004 * RATE)
        assert np.abs(np.diff(sound)).max() <= 3.0 * (first_hit + fade)
        # What was told of is what was played.
        position, copy = rig.shared.ring.read(0)
        assert np.array_equal(copy, sound[:position])


def test_a_block_that_comes_after_the_buffer_is_empty_is_late(make_rig: Any) -> None:
    rig = make_rig()
    rig.run(rig.clock.now() + 0.1)
    assert rig.synthesis.late == 0
    rig.run(rig.clock.now() + 0.05, starved=True)
    rig.run(rig.clock.now() + 0.1)
    assert rig.synthesis.late == 1
    assert rig.buffer.underruns > 1


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


def test_gates_right_after_a_long_stop_of_the_output_are_neither_lost_nor_late(
    make_rig: Any,
) -> None:
    rig = make_rig()
    rig.run(rig.clock.now() + 0.2)
    # The card takes nothing for 0.4 s (the machine stood still), and the jacks are read all the same.
    rig.next_pull += 0.4
    rig.run(rig.clock.now() + 0.41)
    for _ in range(4):
        taken = rig.taken
        rig.press(1, True)
        rig.run(rig.clock.now() + 0.02)
        rig.press(1, False)
        rig.run(rig.clock.now() + 0.08)
        triggers = rig.voice.take_triggers()
        assert len(triggers) == 1
        # The stream's time may be ahead by what an output takes at once, by no more.
        assert 0 <= triggers[0] - taken - rig.plan.gate * RATE <= AHEAD_SECONDS * RATE + BLOCK


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
    rig.voice.update = lambda values, morph: (updates.append(values["seed"]), update(values))
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
    assert 0 <= rig.taken - report.samples < HOP + BLOCK
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
    assert rig.voice.take_triggers() == [round((0.1 + rig.plan.gate) * RATE)]
    # The button's message was taken all the same: one that waits would wake the scan for ever.
    assert not CommandReceiver(rig.receiving).wait(0)
    # A hit takes the volts of its gate's own moment, to the scan's millisecond; later frames the newest.
    now = rig.stream.now()
    sample = round((now + rig.plan.gate - 0.005) * RATE)
    assert rig.synthesis._volts_at(sample)[0] == pytest.approx(now - 0.005, abs=0.0011)
    assert rig.synthesis._volts_at(rig.voice.position)[0] == pytest.approx(now, abs=0.0011)
