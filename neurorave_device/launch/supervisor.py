"""The supervisor: starts the sound and the face process, restarts the one that dies, ends both in order.

It does nothing else, so that it has little to fail by.
"""

import signal
from typing import Callable, List, Optional

from neurorave_device.clock import Clock
from neurorave_device.processes.child import CRASHED, DONE, FAILED, READY, REFUSED, Process

# Two deaths of the sound process within this many seconds mean that a third start would end the same way.
SOUND_WINDOW = 30.0
# A sound process that plays and has made no frame for so long hangs. A sound card that takes nothing is given up after
# 4 s (audio/soundcard.py), and from then on frames are made without it.
HUNG_SECONDS = 6.0
# After so long the sound of a start is over.
CALM_SECONDS = 3.0
# A face that dies at once is started less and less often, so that it never takes time from the sound.
FACE_DELAYS = (0.0, 0.5, 2.0, 5.0)
FACE_STEADY = 30.0
# How long a process may take to end before it is killed: the sound process fades out and closes its file.
SOUND_GRACE = 10.0
FACE_GRACE = 10.0


class Supervisor:
    """Keeps one sound and one face process running; ``step`` is called again and again.

    ``say`` prints a line for the user, ``complain`` one on stderr. ``died`` is told the reason of each death of the
    sound process before anything else is done about it, ``steady`` that it has played for SOUND_WINDOW without one;
    neither raises. ``frames`` counts what the sound process has made; ``alive`` is called with the name of what
    plays when that has grown. ``refused``: the sound process found bad input before it had ever played. One thread.
    """

    def __init__(
        self,
        start_sound: Callable[[], Process],
        start_face: Callable[[], Process],
        clock: Clock,
        say: Callable[[str], None],
        complain: Callable[[str], None],
        died: Callable[[str], None] = lambda reason: None,
        steady: Callable[[], None] = lambda: None,
        frames: Optional[Callable[[], int]] = None,
        alive: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._start_sound = start_sound
        self._start_face = start_face
        self._clock = clock
        self._say = say
        self._complain = complain
        self._died = died
        self._steady = steady
        self._frames = frames
        self._alive = alive
        self._made = 0
        self._playing = False
        self._sound_was_ready = self._face_was_ready = self._announced = False
        self._sound_reason = self._face_reason = ""
        self._name = self._address = ""
        self._sound_deaths: List[float] = []
        self._face_deaths: List[float] = []
        self._face_due = self._sound_began = self._advanced = clock.now()
        self._proven = False
        self.refused = False
        self.sound: Process = start_sound()
        self.face: Optional[Process] = start_face()

    def step(self) -> Optional[int]:
        """Hear and mend what happened; return the exit status once all is over, None until then."""
        result = self._step_sound()
        if result is None:
            result = self._step_face()
        if result is None and not self._announced and self._name and self._address:
            self._announced = True
            self._say("neurorave plays %s. Panel: %s" % (self._name, self._address))
        return result

    def _step_sound(self) -> Optional[int]:
        # The exit status is read before the statuses: what it said last is then surely among them.
        code = self.sound.returncode()
        for status in self.sound.statuses():
            if status.kind == READY:
                self._name = self._name or status.text
                self._sound_was_ready = self._playing = True
                self._advanced = self._clock.now()
            elif status.kind == DONE:
                if status.text:
                    self._say(status.text)
            elif status.kind in (REFUSED, FAILED):
                self._complain(status.text)
                self.refused = status.kind == REFUSED and not self._sound_was_ready
                return 2 if self.refused else 1
            elif status.kind == CRASHED:
                self._sound_reason = status.text
        if code is None:
            self._prove()
            self._follow_frames()
            return None
        if code == 0:
            return 0
        return self._sound_died(code)

    def _prove(self) -> None:
        """Say once that the sound process has played long enough to be trusted."""
        if self._sound_was_ready and not self._proven:
            if self._clock.now() - self._sound_began > SOUND_WINDOW:
                self._proven = True
                self._steady()

    def _follow_frames(self) -> None:
        """Say that the sound goes on, and end a sound process that hangs."""
        if self._frames is None or not self._playing:
            return
        made, now = self._frames(), self._clock.now()
        if made != self._made:
            self._made, self._advanced = made, now
            self._alive(self._name)
        elif now - self._advanced > HUNG_SECONDS:
            self._sound_reason = "it made no sound for %d seconds" % HUNG_SECONDS
            self.sound.kill()

    def _sound_died(self, code: int) -> Optional[int]:
        now = self._clock.now()
        reason = self._sound_reason or _exit_text(code)
        self._sound_reason = ""
        self._sound_deaths = [then for then in self._sound_deaths if now - then <= SOUND_WINDOW]
        self._sound_deaths.append(now)
        self._died(reason)
        if not self._sound_was_ready:
            self._complain("The sound process could not start: %s." % reason)
            return 1
        if len(self._sound_deaths) >= 2:
            self._complain(
                "The sound process died twice within %d seconds, so neurorave stops: %s."
                % (SOUND_WINDOW, reason)
            )
            return 1
        self._complain("The sound process died and is started again: %s." % reason)
        self.sound.close()
        self._sound_began, self._proven, self._playing = now, False, False
        self.sound = self._start_sound()
        return None

    def _step_face(self) -> Optional[int]:
        if self.face is not None:
            result = self._watch_face(self.face)
            if result is not None:
                return result
        if self.face is None and self._clock.now() >= self._face_due:
            self.face = self._start_face()
        return None

    def _watch_face(self, face: Process) -> Optional[int]:
        code = face.returncode()
        for status in face.statuses():
            if status.kind == READY:
                self._address = status.text
                self._face_was_ready = True
            elif status.kind == REFUSED and not self._face_was_ready:
                self._complain(status.text)
                return 2
            else:
                self._face_reason = status.text
        if code is None:
            return None
        reason = self._face_reason or _exit_text(code)
        self._face_reason = ""
        if not self._face_was_ready:
            self._complain("The face process could not start: %s." % reason)
            return 1
        self._complain("The face process died and is started again; sound goes on: %s." % reason)
        face.close()
        self.face = None
        now = self._clock.now()
        self._face_deaths = [then for then in self._face_deaths if now - then <= FACE_STEADY]
        self._face_due = now + FACE_DELAYS[min(len(self._face_deaths), len(FACE_DELAYS) - 1)]
        self._face_deaths.append(now)
        return None

    @property
    def calm(self) -> bool:
        """Whether the sound process has played for so long that there is time for other things."""
        return self._playing and self._clock.now() - self._sound_began > CALM_SECONDS

    def running(self) -> List[Process]:
        """Return the processes that there are now."""
        return [self.sound] if self.face is None else [self.sound, self.face]

    def end(self, hurry: Callable[[], bool] = lambda: False) -> int:
        """Let the sound fade out, end both processes, return 1 if the sound did not end well, else 0.

        Where ``hurry`` says so they are killed at once.
        """
        result = 0
        for process, grace in ((self.sound, SOUND_GRACE), (self.face, FACE_GRACE)):
            if process is None:
                continue
            process.terminate()
            end = self._clock.now() + grace
            while process.returncode() is None and self._clock.now() < end and not hurry():
                self._clock.sleep(0.01)
            if process is self.sound and process.returncode() is None:
                self._complain("The sound process did not end and was killed.")
                result = 1
            process.kill()
            for status in process.statuses():
                if status.kind == DONE and status.text:
                    self._say(status.text)
                elif status.kind in (FAILED, CRASHED):
                    self._complain(status.text)
                    result = 1
            process.close()
        return result


def _exit_text(code: int) -> str:
    if code < 0:
        try:
            return "ended by signal %s" % signal.Signals(-code).name
        except ValueError:
            return "ended by signal %d" % -code
    return "exit status %d" % code
