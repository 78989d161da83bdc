"""The supervisor in virtual time: who is started again, when it gives up, what it says, how it ends."""

import signal
from typing import List, Optional

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.launch.supervisor import CALM_SECONDS, HUNG_SECONDS, Supervisor
from neurorave_device.processes.child import (
    CRASHED,
    DONE,
    FAILED,
    READY,
    REFUSED,
    Process,
    Status,
)


class FakeProcess(Process):
    """A child that does what the test says."""

    def __init__(self, stubborn: bool = False) -> None:
        self.code: Optional[int] = None
        self.said: List[Status] = []
        self.stubborn = stubborn
        self.calls: List[str] = []
        self.last_words: List[Status] = []

    def statuses(self) -> List[Status]:
        said, self.said = self.said, []
        return said

    def returncode(self) -> Optional[int]:
        return self.code

    def terminate(self) -> None:
        self.calls.append("terminate")
        if not self.stubborn and self.code is None:
            self.said += self.last_words
            self.code = 0

    def kill(self) -> None:
        self.calls.append("kill")
        if self.code is None:
            self.code = -int(signal.SIGKILL)

    def close(self) -> None:
        assert self.code is not None, "closed while it runs"
        self.calls.append("close")


class Stage:
    """A supervisor with its clock, the processes it has started, and what it has printed."""

    def __init__(self) -> None:
        self.clock = VirtualClock(100.0)
        self.sounds: List[FakeProcess] = []
        self.faces: List[FakeProcess] = []
        self.said: List[str] = []
        self.complaints: List[str] = []
        self.deaths: List[str] = []
        self.steady = 0
        self.frames = 0
        self.alive: List[str] = []
        self.supervisor = Supervisor(
            self.start_sound,
            self.start_face,
            self.clock,
            self.said.append,
            self.complaints.append,
            self.deaths.append,
            self.count_steady,
            lambda: self.frames,
            self.alive.append,
        )

    def count_steady(self) -> None:
        self.steady += 1

    def start_sound(self) -> FakeProcess:
        self.sounds.append(FakeProcess())
        return self.sounds[-1]

    def start_face(self) -> FakeProcess:
        self.faces.append(FakeProcess())
        return self.faces[-1]

    def ready(self) -> None:
        self.sounds[-1].said.append(Status(READY, "toy"))
        self.faces[-1].said.append(Status(READY, "http://127.0.0.1:1/"))
        assert self.supervisor.step() is None


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_address_is_told_once_and_only_when_both_are_ready(stage: Stage) -> None:
    stage.faces[0].said.append(Status(READY, "http://127.0.0.1:8765/"))
    assert stage.supervisor.step() is None
    assert stage.said == []
    stage.sounds[0].said.append(Status(READY, "hand_percussion"))
    for _ in range(3):
        assert stage.supervisor.step() is None
    assert stage.said == ["neurorave plays hand_percussion. Panel: http://127.0.0.1:8765/"]
    assert stage.complaints == []


def test_a_dead_face_is_started_again_at_once_and_the_sound_is_left_alone(stage: Stage) -> None:
    stage.ready()
    stage.faces[0].code = -int(signal.SIGKILL)
    stage.supervisor.step()
    assert len(stage.faces) == 2
    assert len(stage.sounds) == 1
    assert stage.sounds[0].calls == []
    assert "SIGKILL" in stage.complaints[0]
    assert "close" in stage.faces[0].calls


def test_a_face_that_dies_at_once_is_started_less_and_less_often(stage: Stage) -> None:
    stage.ready()
    starts = [stage.clock.now()]
    for _ in range(6):
        stage.faces[-1].code = 1
        before = len(stage.faces)
        while len(stage.faces) == before:
            assert stage.supervisor.step() is None
            if len(stage.faces) == before:
                stage.clock.advance(0.1)
        starts.append(stage.clock.now())
    gaps = [round(after - first, 1) for first, after in zip(starts, starts[1:])]
    assert gaps[0] == 0.0
    assert gaps == sorted(gaps)
    assert abs(gaps[-1] - 5.0) <= 0.11  # a step of the loop above
    # Half a minute of peace, and it is trusted again.
    stage.clock.advance(31.0)
    stage.faces[-1].code = 1
    before = len(stage.faces)
    stage.supervisor.step()
    assert len(stage.faces) == before + 1


def test_a_dead_sound_is_started_again_in_the_same_step(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].said.append(Status(CRASHED, "ValueError: no (voice.py:3)"))
    stage.sounds[0].code = 1
    assert stage.supervisor.step() is None
    assert len(stage.sounds) == 2
    assert "close" in stage.sounds[0].calls
    assert stage.faces[0].calls == []
    assert "ValueError: no (voice.py:3)" in stage.complaints[0]


def test_a_sound_that_dies_twice_within_half_a_minute_ends_it_with_status_1(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].code = 1
    assert stage.supervisor.step() is None
    stage.sounds[1].said.append(Status(READY, "toy"))
    stage.clock.advance(29.9)
    stage.sounds[1].code = -int(signal.SIGSEGV)
    assert stage.supervisor.step() == 1
    assert len(stage.sounds) == 2
    assert "twice" in stage.complaints[-1] and "SIGSEGV" in stage.complaints[-1]


def test_deaths_that_lie_far_apart_do_not_end_it(stage: Stage) -> None:
    stage.ready()
    for count in range(4):
        stage.sounds[-1].code = 1
        assert stage.supervisor.step() is None
        assert len(stage.sounds) == count + 2
        stage.clock.advance(30.1)


def test_bad_input_at_the_start_is_its_sentence_and_status_2(stage: Stage) -> None:
    stage.sounds[0].said.append(Status(REFUSED, "bundle.yaml: missing"))
    stage.sounds[0].code = 2
    assert stage.supervisor.step() == 2
    assert stage.complaints == ["bundle.yaml: missing"]


def test_bad_input_that_turns_up_later_is_status_1(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].code = 1
    assert stage.supervisor.step() is None
    stage.sounds[1].said.append(Status(REFUSED, "bundle.yaml: missing"))
    stage.sounds[1].code = 2
    assert stage.supervisor.step() == 1


def test_each_death_of_the_sound_is_noted_before_the_next_start(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].said.append(Status(CRASHED, "ValueError: no (voice.py:3)"))
    stage.sounds[0].code = 1
    stage.supervisor.step()
    assert stage.deaths == ["ValueError: no (voice.py:3)"]
    stage.sounds[1].code = -int(signal.SIGSEGV)
    assert stage.supervisor.step() == 1
    assert stage.deaths[1:] == ["ended by signal SIGSEGV"]
    other = Stage()
    other.sounds[0].code = 1
    assert other.supervisor.step() == 1
    assert other.deaths == ["exit status 1"]


def test_bad_input_and_a_full_disk_are_no_deaths(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].said.append(Status(FAILED, "x.wav: no space left"))
    stage.sounds[0].code = 1
    assert stage.supervisor.step() == 1 and not stage.supervisor.refused
    other = Stage()
    other.sounds[0].said.append(Status(REFUSED, "bundle.yaml: missing"))
    other.sounds[0].code = 2
    assert other.supervisor.step() == 2 and other.supervisor.refused
    assert stage.deaths == other.deaths == []


def test_half_a_minute_without_a_death_is_noted_once_per_start(stage: Stage) -> None:
    stage.clock.advance(40.0)
    stage.supervisor.step()
    assert stage.steady == 0  # it has not played yet
    stage.ready()
    for _ in range(3):
        stage.supervisor.step()
    assert stage.steady == 1
    stage.sounds[0].code = 1
    stage.supervisor.step()
    stage.clock.advance(29.0)
    stage.supervisor.step()
    assert stage.steady == 1
    stage.clock.advance(2.0)
    stage.supervisor.step()
    assert stage.steady == 2


def test_a_full_disk_is_status_1_and_no_new_start(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].said.append(Status(FAILED, "x.wav: no space left"))
    stage.sounds[0].code = 1
    assert stage.supervisor.step() == 1
    assert stage.complaints == ["x.wav: no space left"]
    assert len(stage.sounds) == 1


def test_a_crash_before_the_first_sound_is_status_1(stage: Stage) -> None:
    stage.sounds[0].said.append(Status(CRASHED, "ImportError: no"))
    stage.sounds[0].code = 1
    assert stage.supervisor.step() == 1
    assert "could not start" in stage.complaints[0] and "ImportError: no" in stage.complaints[0]


def test_a_face_that_cannot_start_ends_it(stage: Stage) -> None:
    stage.faces[0].code = 1
    stage.faces[0].said.append(Status(CRASHED, "ImportError: no"))
    assert stage.supervisor.step() == 1
    other = Stage()
    other.faces[0].said.append(Status(REFUSED, "no panel"))
    assert other.supervisor.step() == 2
    assert other.complaints == ["no panel"]


def test_a_planned_end_is_status_0_and_its_summary_is_told(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].said.append(Status(DONE, "2.0 s played"))
    stage.sounds[0].code = 0
    assert stage.supervisor.step() == 0
    assert stage.said[-1] == "2.0 s played"
    assert stage.supervisor.end() == 0


def test_the_end_is_sound_first_then_face_and_last_words_are_heard(stage: Stage) -> None:
    stage.ready()
    order: List[str] = []
    stage.sounds[0].last_words = [Status(DONE, "9.0 s played")]
    for name, process in (("sound", stage.sounds[0]), ("face", stage.faces[0])):
        plain = process.terminate

        def terminate(name: str = name, plain: object = plain) -> None:
            order.append(name)
            plain()  # type: ignore[operator]

        process.terminate = terminate  # type: ignore[method-assign]
    assert stage.supervisor.end() == 0
    assert order == ["sound", "face"]
    assert stage.said[-1] == "9.0 s played"
    assert stage.sounds[0].calls[-1] == stage.faces[0].calls[-1] == "close"


def test_a_process_that_does_not_end_is_killed_after_its_grace(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].stubborn = True
    before = stage.clock.now()
    assert stage.supervisor.end() == 1
    assert stage.sounds[0].code == -int(signal.SIGKILL)
    assert "killed" in stage.complaints[-1]
    assert stage.faces[0].code == 0
    assert 5.0 < stage.clock.now() - before < 20.0


def test_a_face_that_does_not_end_is_killed_and_nothing_is_lost_by_that(stage: Stage) -> None:
    stage.ready()
    stage.faces[0].stubborn = True
    assert stage.supervisor.end() == 0
    assert stage.faces[0].code == -int(signal.SIGKILL)
    assert stage.complaints == []


def test_a_second_ctrl_c_kills_at_once(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].stubborn = stage.faces[0].stubborn = True
    before = stage.clock.now()
    stage.supervisor.end(hurry=lambda: True)
    assert stage.clock.now() == before
    assert stage.faces[0].code == stage.sounds[0].code == -int(signal.SIGKILL)


def test_the_end_while_a_face_waits_for_its_start(stage: Stage) -> None:
    stage.ready()
    for _ in range(2):
        stage.faces[-1].code = 1
        stage.supervisor.step()
        stage.supervisor.step()
    assert stage.supervisor.face is None
    assert stage.supervisor.running() == [stage.sounds[0]]
    assert stage.supervisor.end() == 0


def test_what_a_failing_sound_says_while_it_is_ended_is_not_lost(stage: Stage) -> None:
    stage.ready()
    stage.sounds[0].last_words = [Status(FAILED, "x.wav: no space left")]
    assert stage.supervisor.end() == 1
    assert stage.complaints == ["x.wav: no space left"]


def test_it_is_calm_only_while_a_sound_process_has_played_for_a_while(stage: Stage) -> None:
    stage.clock.advance(2 * CALM_SECONDS)
    assert not stage.supervisor.calm, "it has not even begun to play"
    stage.ready()
    assert stage.supervisor.calm
    stage.sounds[0].code = -int(signal.SIGKILL)
    stage.supervisor.step()
    stage.ready()
    assert not stage.supervisor.calm
    stage.clock.advance(CALM_SECONDS + 0.1)
    assert stage.supervisor.calm


def test_life_is_told_only_while_frames_advance(stage: Stage) -> None:
    stage.frames = 5
    stage.supervisor.step()
    assert stage.alive == [], "before it was ready"
    stage.ready()
    assert stage.alive == ["toy"]
    stage.supervisor.step()
    assert stage.alive == ["toy"]
    stage.frames = 6
    stage.supervisor.step()
    assert stage.alive == ["toy", "toy"]


def test_a_sound_process_that_hangs_is_killed_and_started_again(stage: Stage) -> None:
    stage.ready()
    for _ in range(20):
        stage.clock.advance(HUNG_SECONDS / 2)
        stage.frames += 1
        assert stage.supervisor.step() is None
    assert len(stage.sounds) == 1
    stage.clock.advance(HUNG_SECONDS + 0.1)
    assert stage.supervisor.step() is None
    assert stage.sounds[0].calls == ["kill"]
    assert stage.supervisor.step() is None
    assert len(stage.sounds) == 2
    assert stage.deaths == ["it made no sound for 6 seconds"]
    # The new one may load for as long as it takes.
    stage.clock.advance(10 * HUNG_SECONDS)
    assert stage.supervisor.step() is None
    assert stage.sounds[1].calls == []
    told = len(stage.alive)
    stage.ready()
    stage.frames = 1
    stage.supervisor.step()
    assert len(stage.alive) == told + 1
