"""The guard: keeps what is asked inside what the training set knows, jointly and in its speed."""

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
    """For one pattern of asked and moved: `order` is loudness, moved, others; `root` the Cholesky
    factor of their covariance in that order; `first` and `second` where moved and others begin."""

    order: np.ndarray
    root: np.ndarray
    first: int
    second: int


class Guard:
    """Limits asked descriptors, in quantile units, to the joint range and speed of the training set.

    Loudness comes first: it is the hit's own curve, never raised and lowered only beyond its own
    range, so that the guard cannot wake a sound that has ended.  The descriptors that the player
    moves come second and keep their value as far as the limit allows; the other asked ones give way
    first, towards what is usual beside the moved ones (Gaussian conditional mean).  A single moved
    descriptor always goes on rising with its CV.  One thread at a time.
    """

    def __init__(self, info: GuardInfo, loudness: int = 0) -> None:
        self._mean = np.asarray(info.mean, dtype=np.float64)
        covariance = np.asarray(info.covariance, dtype=np.float64)
        # A little more variance keeps descriptors that are nearly copies of each other solvable.
        self._covariance = covariance + 1e-6 * np.eye(len(self._mean))
        self._limit = float(info.limit)
        self._rate = RATE_MARGIN * np.asarray(info.rate, dtype=np.float64)
        self._loudness = loudness
        self._plans: Dict[Tuple[Tuple[bool, ...], Tuple[bool, ...]], _Plan] = {}
        self._last: Optional[np.ndarray] = None
        self._offset = np.zeros(len(self._mean))

    def reset(self) -> None:
        """Let the next frame jump freely: a new sound starts."""
        self._last = None

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
        asked = np.clip(np.asarray(asked_q, dtype=np.float64), 0.0, 1.0)
        wanted = np.asarray(mask, dtype=np.float64) > 0.5
        base = np.zeros_like(asked)
        if base_q is not None:
            base = np.clip(np.asarray(base_q, dtype=np.float64), 0.0, 1.0)
        slow = self._limit_rate(asked, wanted, base)
        moves = wanted if moved is None else wanted & (np.asarray(moved, dtype=np.float64) > 0.5)
        return self._limit_range(slow, wanted, moves)

    def distance(self, q: Array, mask: Array) -> float:
        """Return the Mahalanobis distance of the asked ones of `q` [D] from the training set."""
        wanted = np.flatnonzero(np.asarray(mask, dtype=np.float64) > 0.5)
        if wanted.size == 0:
            return 0.0
        root = np.linalg.cholesky(self._covariance[np.ix_(wanted, wanted)])
        away = np.asarray(q, dtype=np.float64)[wanted] - self._mean[wanted]
        return float(np.linalg.norm(np.linalg.solve(root, away)))

    def _limit_rate(self, asked: np.ndarray, wanted: np.ndarray, base: np.ndarray) -> np.ndarray:
        limited = asked
        if self._last is not None:
            # Either standing still or riding on the prior's curve is free; the player's part of the
            # movement comes on top at the training set's speed.
            riding = base + self._offset
            low = np.minimum(self._last, riding) - self._rate
            high = np.maximum(self._last, riding) + self._rate
            limited = np.clip(np.clip(asked, low, high), 0.0, 1.0)
            # Loudness may fall as fast as it is asked to: a hit is never held up.
            at = self._loudness
            if at >= 0:
                limited[at] = min(limited[at], max(asked[at], base[at]))
            limited = np.where(wanted, limited, asked)
        # What is free follows the prior, and is met there when it is asked for.
        self._last = np.where(wanted, limited, base)
        self._offset = self._last - base
        return limited

    def _limit_range(self, asked: np.ndarray, wanted: np.ndarray, moves: np.ndarray) -> np.ndarray:
        plan = self._plan(wanted, moves)
        size = plan.order.size
        if size == 0:
            return asked
        values, mean, root = asked[plan.order], self._mean[plan.order], plan.root
        white = np.zeros(size)
        room = self._limit
        for start, end, knee in (
            (0, plan.first, _KNEE),
            (plan.first, plan.second, _KNEE),
            (plan.second, size, 1.0),
        ):
            if start == end:
                continue
            # Away from what is usual beside those that came before, in standard deviations.
            usual = mean[start:end] + root[start:end, :start] @ white[:start]
            block = root[start:end, start:end]
            part = np.linalg.solve(block, values[start:end] - usual)
            far = float(np.linalg.norm(part))
            near = soft_limit(far, room, knee)
            # Loudness (always the first block) is never raised.
            if near < far and not (start == 0 and plan.first == 1 and part[0] < 0.0):
                part *= near / far
                values[start:end] = usual + block @ part
            white[start:end] = part
            spent = self._limit**2 - float(white[:end] @ white[:end])
            floor = _LEAST_ROOM * self._limit if end == plan.first else 0.0
            room = max(float(np.sqrt(max(spent, 0.0))), floor)
        limited = asked.copy()
        limited[plan.order] = np.clip(values, 0.0, 1.0)
        return limited

    def _plan(self, wanted: np.ndarray, moves: np.ndarray) -> _Plan:
        key = (tuple(wanted.tolist()), tuple(moves.tolist()))
        plan = self._plans.get(key)
        if plan is None:
            first: List[int] = []
            second: List[int] = []
            third: List[int] = []
            for index in np.flatnonzero(wanted).tolist():
                if index == self._loudness:
                    first.append(index)
                elif moves[index]:
                    second.append(index)
                else:
                    third.append(index)
            order = np.array(first + second + third, dtype=np.intp)
            root = np.linalg.cholesky(self._covariance[np.ix_(order, order)])
            plan = _Plan(order, root, len(first), len(first) + len(second))
            self._plans[key] = plan
        return plan
