"""One CV: from calibrated volts to how far it moves what it is patched to."""

from typing import Any, Mapping, Optional, Tuple

from neurorave_device.mapping.activity import WAKE_VOLTS, JackActivity
from neurorave_device.mapping.curves import CURVES, is_bipolar, normalise
from neurorave_device.mapping.quantise import Quantiser
from neurorave_device.mapping.smoothing import OnePole
from neurorave_device.parameters import CV_MODES, DESTINATIONS, by_id

_REPLACE = CV_MODES.index("replace")

State = Tuple[Any, ...]


class Cv:
    """The settings of one CV and what it remembers from frame to frame.

    After `read`, `active` says whether it counts as patched and `speaks` whether it has anything to say: an
    offset speaks without a cable. `destination` is one of DESTINATIONS.
    """

    def __init__(self, number: int) -> None:
        """`number` is 1 to 4."""
        prefix = "cv%d." % number
        self._keys = tuple(
            prefix + key
            for key in (
                "destination",
                "mode",
                "range",
                "curve",
                "quantise",
                "slew",
                "amount",
                "offset",
            )
        )
        self._gliding = by_id(prefix + "amount").smoothing
        self._activity = JackActivity()
        self._quantiser = Quantiser()
        self._slewed = OnePole()
        self._amount = OnePole()
        self._offset = OnePole()
        self._curve = CURVES[0]
        self._bipolar = True
        self._steps = 0
        self._slew = 0.0
        self._amount_goal = 0.0
        self._offset_goal = 0.0
        # At rest nothing changes from frame to frame: what `snapshot` returns then, None while anything moves.
        self._resting: Optional[State] = None
        self.destination = "none"
        self.replaces = False
        self.range_index = 0
        self.active = False
        self.speaks = False

    def update(self, values: Mapping[str, float]) -> None:
        """Take new settings; amount and offset glide to theirs."""
        destination, mode, span, curve, steps, slew, amount, offset = [
            values[key] for key in self._keys
        ]
        self.destination = DESTINATIONS[int(destination)]
        self.replaces = int(mode) == _REPLACE
        self.range_index = int(span)
        self._bipolar = is_bipolar(self.range_index)
        self._curve = CURVES[int(curve)]
        self._steps = int(steps)
        self._slew, self._amount_goal, self._offset_goal = slew, amount, offset
        self._resting = None

    def snap(self) -> None:
        """Let the next frame take voltage and settings as they are."""
        self._slewed.snap()
        self._amount.snap()
        self._offset.snap()
        self._resting = None

    def read(self, volts: float, dt: float) -> float:
        """Return offset + amount * curve(volts), the volts having been there for `dt` seconds."""
        if self._resting is not None:
            if -WAKE_VOLTS <= volts <= WAKE_VOLTS:
                return self._offset_goal
            self._resting = None
        self.active = active = self._activity.update(volts, dt)
        self.speaks = active or self._offset_goal != 0.0
        # An idle jack is exactly 0 V: noise is not played.
        part = normalise(volts if active else 0.0, self.range_index)
        part = self._curve(self._quantiser.step(part, self._steps), self._bipolar)
        part = self._slewed.step(part, dt, self._slew)
        amount = self._amount.step(self._amount_goal, dt, self._gliding)
        offset = self._offset.step(self._offset_goal, dt, self._gliding)
        if (
            part == 0.0
            and not active
            and offset == self._offset_goal
            and amount == self._amount_goal
        ):
            self._resting = self.snapshot()
        return offset + amount * part

    def snapshot(self) -> State:
        """Return the state between two frames."""
        if self._resting is not None:
            return self._resting
        return (
            self._activity.snapshot(),
            self._quantiser.snapshot(),
            self._slewed.snapshot(),
            self._amount.snapshot(),
            self._offset.snapshot(),
        )

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`."""
        self._resting = None
        self._activity.restore(state[0])
        self._quantiser.restore(state[1])
        self._slewed.restore(state[2])
        self._amount.restore(state[3])
        self._offset.restore(state[4])
