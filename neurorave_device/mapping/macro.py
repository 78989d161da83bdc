"""The macro: all descriptors move together, as far as the gate, a CV and the menu say."""

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from neurorave_device.mapping.smoothing import OnePole, Ramp
from neurorave_device.parameters import DESCRIPTORS, by_id

State = Tuple[Any, ...]


class Pull(NamedTuple):
    """What the macro adds to each descriptor [D]; `speaks` says which are asked because of it."""

    deltas: Tuple[float, ...]
    speaks: Tuple[bool, ...]


class Macro:
    """Rises and falls with its gate, a CV is added to that; `height` is -1..1 after the last frame."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are the model's descriptors in its order; one that the table does not know stays alone."""
        self._names = names
        self._amount = by_id("macro.amount")
        self._share_seconds = by_id("macro." + DESCRIPTORS[0]).smoothing
        self._ramp = Ramp()
        self._glide = OnePole()
        self._glides = [OnePole() for _ in names]
        self._time = 0.0
        self._goal = 0.0
        self._shares: List[float] = [0.0] * len(names)
        self.height = 0.0

    def update(self, values: Mapping[str, float]) -> None:
        """Take new settings."""
        self._time = values["macro.time"]
        self._goal = values["macro.amount"]
        self._shares = [values.get("macro." + name, 0.0) for name in self._names]

    def snap(self) -> None:
        """Let the next frame take the settings as they are."""
        self._glide.snap()
        for glide in self._glides:
            glide.snap()

    def frame(self, gate: bool, added: float, speaks: bool, dt: float) -> Optional[Pull]:
        """Return the macro of the frame that begins `dt` seconds after the last one, None where it asks nothing.

        `gate` says whether its gate is high, `added` is what CVs add to its height, `speaks` whether one is patched.
        """
        height = self._ramp.step(gate, dt, self._time) + added
        self.height = height = min(max(height, -1.0), 1.0)
        amount = self._glide.step(self._goal, dt, self._amount.smoothing)
        if amount == 0.0 or (height == 0.0 and not speaks):
            return None
        shares = [
            glide.step(share, dt, self._share_seconds)
            for glide, share in zip(self._glides, self._shares)
        ]
        reach = amount * height
        return Pull(tuple(reach * s for s in shares), tuple(s != 0.0 for s in shares))

    def snapshot(self) -> State:
        """Return the state between two frames."""
        glides = tuple(glide.snapshot() for glide in self._glides)
        return self._ramp.value, self._glide.snapshot(), glides

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`."""
        self._ramp.value = state[0]
        self._glide.restore(state[1])
        for glide, kept in zip(self._glides, state[2]):
            glide.restore(kept)

    def follow(self, other: "Macro") -> None:
        """Go on at the height that another model's macro has."""
        self._ramp.value = other._ramp.value
