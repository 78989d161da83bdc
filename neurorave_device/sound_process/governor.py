"""The governor: what the module does without, one thing after the other, while it is too busy or too hot.

Nothing here reads a clock, a file or a sound; `easing` lets the steps happen.
"""

import math
from collections import deque
from typing import Deque, NamedTuple, Optional, Sequence

from neurorave_device.machine.thermal import Heat

# The steps, in the order in which they are taken; each level includes those below it.
ALL = 0
METER = 1
FACE = 2
LIGHTER = 3
STEPS = (METER, FACE, LIGHTER)

# No more are counted: they are no worse.
_MOST_LATES = 99

_TAKEN = {
    METER: "the meter rests",
    FACE: "the screen is drawn less often",
    LIGHTER: "the lighter variant takes over",
}
_GIVEN_BACK = {
    METER: "the meter measures again",
    FACE: "the screen is drawn as usual",
    LIGHTER: "the lighter variant stays until another bundle is chosen",
}


class Limits(NamedTuple):
    """When a step is taken and when one is given back; docs/running.md says where the figures come from.

    load, load_well: share of the time that is needed, above and below which it is too much and well again; over
    ``load_seconds``. late: late frames in ``late_seconds`` that are too many. cooler: degrees below the limit
    where it is well again. after_late, after_load, after_heat: seconds that a step has to show its effect before
    the next one. calm: seconds that all must be well before one is given back; twice as many each time that this
    proves to be too early, ``longest_calm`` at most. grace: seconds at the start in which late frames do not count.
    """

    load: float = 0.65
    load_well: float = 0.5
    load_seconds: float = 2.0
    late: int = 2
    late_seconds: float = 10.0
    cooler: float = 5.0
    after_late: float = 2.0
    after_load: float = 6.0
    after_heat: float = 30.0
    calm: float = 20.0
    longest_calm: float = 600.0
    grace: float = 3.0


LIMITS = Limits()


class Ease(NamedTuple):
    """The level 0..3 from now on, and the sentence that says why it has changed, '' where it has not."""

    level: int
    sentence: str


class _Reason(NamedTuple):
    """What is too much, as the sentence begins, and how long a step against it takes to show."""

    text: str
    patience: float


class Governor:
    """Moves a level between 0 and 3, one step at a time; all methods belong to one thread, time is in seconds."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._level = ALL
        self._load = 0.0
        self._seen = 0
        self._lates: Deque[float] = deque(maxlen=_MOST_LATES)
        self._began: Optional[float] = None
        self._before = 0.0
        self._changed = float("-inf")
        self._given_back = float("-inf")
        self._well_since: Optional[float] = None
        self._calm = limits.calm

    @property
    def level(self) -> int:
        """The level, 0 (everything runs) to 3."""
        return self._level

    def follow(
        self,
        now: float,
        load: float,
        late: int,
        heat: Optional[Heat],
        offered: Sequence[int] = STEPS,
    ) -> Ease:
        """Take what is measured now and return the level.

        ``load``: share of the time that is needed, 1.0 is all of it. ``late``: late frames since the start.
        ``heat``: of the zone that is nearest to its limit, None where it is not known. ``offered``: the steps
        that there are.
        """
        self._take(now, load, late)
        reason = self._reason(heat)
        if reason is not None:
            self._well_since = None
            return self._step_up(now, reason, offered)
        if not self._is_well(heat):
            self._well_since = None
            return Ease(self._level, "")
        if self._well_since is None:
            self._well_since = now
        return self._step_down(now, heat, offered)

    def withdraw(self, now: float) -> None:
        """Take back the step to the lighter variant, which came to nothing or which the player did not want."""
        if self._level == LIGHTER:
            self._level = FACE
            self._changed = now

    def _take(self, now: float, load: float, late: int) -> None:
        limits = self._limits
        if self._began is None:
            self._began = self._before = now
            self._seen = late
        share = 1.0 - math.exp(-max(0.0, now - self._before) / limits.load_seconds)
        # What is no number says nothing.
        if math.isfinite(load):
            self._load += share * (load - self._load)
        self._before = now
        if now - self._began >= limits.grace:
            self._lates.extend([now] * min(late - self._seen, _MOST_LATES))
        self._seen = max(late, self._seen)
        while self._lates and now - self._lates[0] > limits.late_seconds:
            self._lates.popleft()

    def _reason(self, heat: Optional[Heat]) -> Optional[_Reason]:
        """Return what is too much; heat is told first, since a hot processor is slowed down and late for that reason.

        The patience is the shortest of all that is too much.
        """
        limits = self._limits
        reasons = []
        if heat is not None and heat.celsius > heat.limit:
            reasons.append(_Reason("Too hot (%.0f C)" % heat.celsius, limits.after_heat))
        if len(self._lates) >= limits.late:
            text = "Sound came late (%d times in %.0f s)" % (len(self._lates), limits.late_seconds)
            reasons.append(_Reason(text, limits.after_late))
        if self._load > limits.load:
            text = "Too busy (load %.0f %%)" % (100.0 * self._load)
            reasons.append(_Reason(text, limits.after_load))
        if not reasons:
            return None
        return _Reason(reasons[0].text, min(reason.patience for reason in reasons))

    def _is_well(self, heat: Optional[Heat]) -> bool:
        cool = heat is None or heat.celsius <= heat.limit - self._limits.cooler
        return cool and not self._lates and self._load < self._limits.load_well

    def _step_up(self, now: float, reason: _Reason, offered: Sequence[int]) -> Ease:
        above = [level for level in offered if level > self._level]
        if not above or now - self._changed < reason.patience:
            return Ease(self._level, "")
        if now - self._given_back <= self._calm:
            self._calm = min(2.0 * self._calm, self._limits.longest_calm)
        self._level = min(above)
        self._changed = now
        # The next step needs late frames that came in spite of this one.
        self._lates.clear()
        return Ease(self._level, "%s: %s." % (reason.text, _TAKEN[self._level]))

    def _step_down(self, now: float, heat: Optional[Heat], offered: Sequence[int]) -> Ease:
        since = max(self._changed, now if self._well_since is None else self._well_since)
        if self._level == ALL:
            if now - since > 2.0 * self._calm:
                # What was given back could be kept.
                self._calm = self._limits.calm
            return Ease(ALL, "")
        if now - since < self._calm:
            return Ease(self._level, "")
        left = self._level
        self._level = max([level for level in offered if level < left] + [ALL])
        self._changed = self._given_back = now
        how = "load %.0f %%" % (100.0 * self._load)
        if heat is not None:
            how += ", %.0f C" % heat.celsius
        return Ease(self._level, "Well again (%s): %s." % (how, _GIVEN_BACK[left]))
