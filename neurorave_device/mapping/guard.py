"""The guard: keeps what is asked inside what the training set knows, jointly and in its speed.

With five descriptors plain floats are several times faster than numpy's small arrays, and this runs
once per frame.
"""

import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from neurorave_device.engine.info import GuardInfo
from neurorave_device.mapping.curves import soft_limit

# Targets may move this much faster than the training set usually does.
RATE_MARGIN = 1.5
# The part of the limit from which a moved descriptor begins to give way.
_KNEE = 0.9
# The least part of the limit that is left for moved descriptors, so that no CV is ever dead.
_LEAST_ROOM = 0.1

Array = Union[Sequence[float], np.ndarray]


class _Plan(NamedTuple):
    """How one pattern of asked and moved descriptors is worked through.

    `order` is loudness, then the moved ones, then the others; `first` and `second` are where moved
    and others begin; `mean` is in that order, `root` the Cholesky factor of the covariance in it.
    """

    order: List[int]
    first: int
    second: int
    mean: List[float]
    root: List[List[float]]


class Guard:
    """Limits asked descriptors, in quantile units, to the joint range and speed of the training set.

    Loudness comes first: it is the hit's own curve, never raised and lowered only beyond its own
    range, so that the guard cannot wake a sound that has ended.  The descriptors that the player
    moves come second and keep their value as far as the limit allows; the other asked ones give way
    first, towards what is usual beside the moved ones (Gaussian conditional mean).  A single moved
    descriptor always goes on rising with its CV.  One thread at a time.
    """

    def __init__(self, info: GuardInfo, loudness: int = 0) -> None:
        self._mean = [float(value) for value in info.mean]
        count = len(self._mean)
        # A little more variance keeps descriptors that are nearly copies of each other solvable.
        self._covariance = np.asarray(info.covariance, dtype=np.float64) + 1e-6 * np.eye(count)
        self._limit = float(info.limit)
        self._rate = [RATE_MARGIN * float(value) for value in info.rate]
        self._loudness = loudness
        self._plans: Dict[Tuple[Tuple[bool, ...], Tuple[bool, ...]], _Plan] = {}
        self._fresh = True
        self._last = [0.0] * count
        self._offset = [0.0] * count

    def reset(self) -> None:
        """Let the next frame jump freely: a new sound starts."""
        self._fresh = True

    def limit(
        self,
        asked_q: Array,
        mask: Array,
        base_q: Optional[Array] = None,
        moved: Optional[Array] = None,
    ) -> np.ndarray:
        """Return the asked values [D] that are fit for the decoder, float64 within 0..1.

        `mask` [D] says which are asked (the others pass unchanged), `base_q` [D] are the prior's own
        curves, whose movement is never slowed, `moved` [D] which ones the player moves; without
        it, all of them.  To be called once per frame.
        """
        asked = [_clip(float(value)) for value in asked_q]
        wanted = [bool(value) for value in mask]
        base = [0.0] * len(asked) if base_q is None else [_clip(float(q)) for q in base_q]
        moves = wanted if moved is None else [a and bool(b) for a, b in zip(wanted, moved)]
        self._limit_rate(asked, wanted, base)
        self._limit_range(asked, self._plan(wanted, moves))
        return np.array(asked)

    def distance(self, q: Array, mask: Array) -> float:
        """Return the Mahalanobis distance of the asked ones of `q` [D] from the training set."""
        asked = [float(value) for value in q]
        wanted = [bool(value) for value in mask]
        plan = self._plan(wanted, wanted)
        white: List[float] = []
        for row, index in enumerate(plan.order):
            away = asked[index] - plan.mean[row] - _dot(plan.root[row], white)
            white.append(away / plan.root[row][row])
        return math.sqrt(_dot(white, white))

    def _limit_rate(self, asked: List[float], wanted: List[bool], base: List[float]) -> None:
        for index, rate in enumerate(self._rate):
            if not wanted[index]:
                # What is free follows the prior, and is met there when it is asked for.
                self._last[index] = base[index]
                self._offset[index] = 0.0
                continue
            value = asked[index]
            if not self._fresh:
                # Either standing still or riding on the prior's curve is free; the player's part of
                # the movement comes on top at the training set's speed.
                still, riding = self._last[index], base[index] + self._offset[index]
                low, high = min(still, riding) - rate, max(still, riding) + rate
                limited = _clip(min(max(value, low), high))
                if index == self._loudness:
                    # Loudness may fall as fast as it is asked to: a hit is never held up.
                    limited = min(limited, max(value, base[index]))
                value = limited
            asked[index] = self._last[index] = value
            self._offset[index] = value - base[index]
        self._fresh = False

    def _limit_range(self, asked: List[float], plan: _Plan) -> None:
        white: List[float] = []
        room = self._limit
        start = 0
        for end, knee in ((plan.first, _KNEE), (plan.second, _KNEE), (len(plan.order), 1.0)):
            if start == end:
                continue
            for row in range(start, end):
                # Away from what is usual beside those before it, in standard deviations.
                away = asked[plan.order[row]] - plan.mean[row] - _dot(plan.root[row], white)
                white.append(away / plan.root[row][row])
            far = math.sqrt(_dot(white[start:], white[start:]))
            near = soft_limit(far, room, knee)
            quiet = end == plan.first and white[0] < 0.0
            if near < far and not quiet:
                white[start:] = [part * (near / far) for part in white[start:]]
                for row in range(start, end):
                    value = plan.mean[row] + _dot(plan.root[row], white[: row + 1])
                    asked[plan.order[row]] = _clip(value)
            room = math.sqrt(max(self._limit**2 - _dot(white, white), 0.0))
            if end == plan.first:
                room = max(room, _LEAST_ROOM * self._limit)
            start = end

    def _plan(self, wanted: Sequence[bool], moves: Sequence[bool]) -> _Plan:
        key = (tuple(wanted), tuple(moves))
        plan = self._plans.get(key)
        if plan is None:
            asked = [index for index, wants in enumerate(wanted) if wants]
            first = [index for index in asked if index == self._loudness]
            rest = [index for index in asked if index != self._loudness]
            second = [index for index in rest if moves[index]]
            order = first + second + [index for index in rest if not moves[index]]
            root: List[List[float]] = []
            if order:
                root = np.linalg.cholesky(self._covariance[np.ix_(order, order)]).tolist()
            plan = _Plan(
                order,
                len(first),
                len(first) + len(second),
                [self._mean[index] for index in order],
                root,
            )
            self._plans[key] = plan
        return plan


def _clip(value: float) -> float:
    # In this order NaN becomes 0.
    return min(max(0.0, value), 1.0)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the sum of products, as long as the shorter one goes."""
    return sum(a * b for a, b in zip(left, right))
