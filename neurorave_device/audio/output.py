"""The output stage: DC block, level, limiter, NaN guard, fades.

Level and limiter work on a grid of CHUNK samples counted from the first sample ever processed. Their gains
move in straight lines from one grid point to the next and depend on whole chunks of the past only: there is no
look-ahead and no delay, and cutting the stream into other blocks changes nothing.
"""

import math
from typing import Any, List, Sequence, Tuple, Union

import numpy as np

CHUNK = 32
DC_HERTZ = 5.0
# What leaves the stage never exceeds this (-0.3 dBFS), whatever goes in.
CEILING = 10.0 ** (-0.3 / 20.0)
# Below the knee a sample passes unchanged, above it bends towards the ceiling. The limiter aims at the knee.
KNEE = 0.8
RELEASE_SECONDS = 0.12
LEVEL_SECONDS = 0.02
FADE_SECONDS = 0.01
# Far above any sound; keeps the arithmetic finite where a model has gone wild.
LARGEST = 1e3
# Longer blocks are worked off in parts of this size.
LONGEST = 128 * CHUNK

State = Tuple[Any, ...]
# From this sample of the stream on: level and limiter in dB.
Change = Tuple[int, float, float]


class OutputStage:
    """Makes the voice's mono samples fit for a loudspeaker, block by block.

    `level_db` and `limiter_db` are level and limiter at the start; `faded_in` False starts silent and fades in.
    `bad_blocks` counts the blocks with NaN or infinity that were replaced by a fade to silence. Synthesis thread;
    `start` and `stop` may come from another one.
    """

    def __init__(
        self,
        sample_rate: int,
        level_db: float = 0.0,
        faded_in: bool = False,
        limiter_db: float = 0.0,
    ) -> None:
        self._dc = _DcBlock(DC_HERTZ, sample_rate)
        chunk_seconds = CHUNK / float(sample_rate)
        self._level = _Gliding(level_db, chunk_seconds)
        self._knee = _Gliding(limiter_db, chunk_seconds)
        self._limiter = _Limiter(chunk_seconds)
        self._index = np.arange(LONGEST + CHUNK) // CHUNK
        self._slope = (np.arange(LONGEST + CHUNK) % CHUNK + 1.0) / CHUNK
        self._phase = 0
        self._fade = 1.0 if faded_in else 0.0
        self._fade_goal = 1.0
        self._fade_step = 1.0 / max(1.0, FADE_SECONDS * sample_rate)
        self._last = 0.0
        self._recovering = False
        self.bad_blocks = 0

    def set_level(self, level_db: float) -> None:
        """Sets the level in dB; it is reached smoothly (time constant 20 ms)."""
        self._level.goal = 10.0 ** (level_db / 20.0)

    def set_limiter(self, limiter_db: float) -> None:
        """Sets how far below its usual place the limiter works, 0 dB and less; reached as smoothly as the level.

        Both what it aims at and what nothing exceeds are lower by so much.
        """
        self._knee.goal = 10.0 ** (limiter_db / 20.0)

    def start(self) -> None:
        """Fades in over 10 ms from the next block on."""
        self._fade_goal = 1.0

    def stop(self) -> None:
        """Fades out over 10 ms from the next block on, then stays silent."""
        self._fade_goal = 0.0

    @property
    def silent(self) -> bool:
        """Whether a fade-out that was asked for has ended."""
        return self._fade_goal == 0.0 and self._fade == 0.0

    def snapshot(self) -> State:
        """Returns the state between two samples, without what `start` and `stop` ask for."""
        return (
            self._dc.state
            + self._level.state
            + self._knee.state
            + self._limiter.state
            + (self._phase, self._fade, self._last, self._recovering)
        )

    def restore(self, state: State) -> None:
        """Goes back to a state taken by `snapshot`."""
        self._dc.state = state[:2]
        self._level.state = state[2:5]
        self._knee.state = state[5:8]
        self._limiter.state = state[8:12]
        self._phase, self._fade, self._last, self._recovering = state[12:]

    def play(self, samples: np.ndarray, start: int, changes: Sequence[Change]) -> np.ndarray:
        """Processes `samples` [n], which begin at the sample `start` of the stream, with the `changes` in them."""
        if not changes:
            return self.process(samples)
        parts = []
        done = 0
        for sample, level, limiter in changes:
            at = min(max(sample - start, done), samples.size)
            parts.append(self.process(samples[done:at]))
            self.set_level(level)
            self.set_limiter(limiter)
            done = at
        parts.append(self.process(samples[done:]))
        return np.concatenate(parts)

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Returns what is to be played, float32 [n] with |x| <= CEILING, for any `samples` [n]."""
        if samples.size <= LONGEST:
            return self._block(samples)
        parts = [samples[at : at + LONGEST] for at in range(0, samples.size, LONGEST)]
        return np.concatenate([self._block(part) for part in parts])

    def _block(self, samples: np.ndarray) -> np.ndarray:
        if samples.size == 0:
            return np.zeros(0, dtype=np.float32)
        phase = self._phase
        index = self._index[phase : phase + samples.size]
        slope = self._slope[phase : phase + samples.size]
        ends = (phase + samples.size) // CHUNK
        self._phase = (phase + samples.size) % CHUNK
        # The power of a block in double precision: one number that no NaN and no infinity hides from.
        signal = samples.astype(np.float64)
        power = float(np.dot(signal, signal))
        if not math.isfinite(power):
            return self._replace(samples.size)
        if power > LARGEST**2:
            np.clip(signal, -LARGEST, LARGEST, out=signal)
        signal = self._dc.process(signal)
        _scale(signal, self._level.nodes(ends), index, slope)
        knees = [KNEE * node for node in self._knee.nodes(ends)]
        nodes, peak = self._limiter.nodes(signal, phase, knees)
        _scale(signal, nodes, index, slope)
        if peak > min(knees):
            _bend(signal, _line(knees, index, slope))
        self._apply_fade(signal)
        if self._recovering:
            count = min(CHUNK, signal.size)
            signal[:count] *= self._slope[:count]
            self._recovering = False
        self._last = float(signal[-1])
        return signal.astype(np.float32)

    def _apply_fade(self, signal: np.ndarray) -> None:
        goal = self._fade_goal
        if self._fade == goal:
            if goal == 0.0:
                signal.fill(0.0)
            return
        step = self._fade_step if goal > self._fade else -self._fade_step
        gains = np.clip(self._fade + step * np.arange(1, signal.size + 1), 0.0, 1.0)
        signal *= gains
        self._fade = float(gains[-1])

    def _replace(self, count: int) -> np.ndarray:
        """Returns a fade from the last good sample to silence in place of a bad block."""
        self.bad_blocks += 1
        self._dc.reset()
        fade = np.linspace(1.0, 0.0, count + 1)[1:]
        out = (self._last * fade).astype(np.float32)
        self._last = 0.0
        self._recovering = True
        return out


class _DcBlock:
    """A one-pole high-pass, y[i] = x[i] - x[i-1] + a y[i-1], CHUNK samples per matrix product."""

    def __init__(self, hertz: float, sample_rate: int) -> None:
        pole = math.exp(-2.0 * math.pi * hertz / sample_rate)
        powers = np.arange(CHUNK)
        exponents = powers[None, :] - powers[:, None]
        # Row i: what the difference at sample i of a chunk gives at each sample of that chunk.
        self._spread = np.where(exponents >= 0, pole ** np.maximum(exponents, 0), 0.0)
        self._decay = pole ** np.arange(1, CHUNK + 1)
        self._whole = float(self._decay[-1])
        self._input = 0.0
        self._output = 0.0

    @property
    def state(self) -> State:
        return self._input, self._output

    @state.setter
    def state(self, state: State) -> None:
        self._input, self._output = state

    def reset(self) -> None:
        self._input = 0.0
        self._output = 0.0

    def process(self, signal: np.ndarray) -> np.ndarray:
        size = signal.size
        rows = -(-size // CHUNK)
        difference = np.zeros(rows * CHUNK)
        difference[0] = signal[0] - self._input
        np.subtract(signal[1:], signal[:-1], out=difference[1:size])
        result = difference.reshape(rows, CHUNK) @ self._spread
        carries = [self._output]
        for end in result[:-1, -1].tolist():
            carries.append(end + carries[-1] * self._whole)
        result += np.array(carries)[:, None] * self._decay
        flat = result.reshape(-1)[:size]
        self._input = float(signal[-1])
        # An exact zero in the end: denormal numbers are slow.
        self._output = float(flat[-1]) if abs(flat[-1]) > 1e-30 else 0.0
        return np.asarray(flat)


class _Gliding:
    """A gain, given in dB, as nodes on the grid, moving towards `goal`."""

    def __init__(self, level_db: float, chunk_seconds: float) -> None:
        self.goal = 10.0 ** (level_db / 20.0)
        self._step = 1.0 - math.exp(-chunk_seconds / LEVEL_SECONDS)
        self._now = self.goal
        self._next = self.goal

    @property
    def state(self) -> State:
        return self.goal, self._now, self._next

    @state.setter
    def state(self, state: State) -> None:
        self.goal, self._now, self._next = state

    def nodes(self, ends: int) -> List[float]:
        """Returns the nodes that a block with `ends` chunk ends needs, and moves past them."""
        nodes = [self._now, self._next]
        for _ in range(ends):
            self._now = self._next
            self._next += self._step * (self.goal - self._next)
            if abs(self._next - self.goal) < 1e-7:
                self._next = self.goal
            nodes.append(self._next)
        return nodes


class _Limiter:
    """Gain nodes that bring the loudest chunk of the recent past down to the knee."""

    def __init__(self, chunk_seconds: float) -> None:
        self._release = math.exp(-chunk_seconds / RELEASE_SECONDS)
        self._envelope = 0.0
        self._peak = 0.0
        self._now = 1.0
        self._next = 1.0

    @property
    def state(self) -> State:
        return self._envelope, self._peak, self._now, self._next

    @state.setter
    def state(self, state: State) -> None:
        self._envelope, self._peak, self._now, self._next = state

    def nodes(
        self, signal: np.ndarray, phase: int, knees: Sequence[float]
    ) -> Tuple[List[float], float]:
        """Returns the nodes for `signal` and its peak; it begins `phase` samples into a chunk.

        `knees` are the nodes of what is aimed at, two more than chunks end in `signal`.
        """
        ends = len(knees) - 2
        starts = np.arange(-phase, signal.size, CHUNK)
        starts[0] = 0
        peaks = np.maximum.reduceat(np.abs(signal), starts).tolist()
        nodes = [self._now, self._next]
        for peak, knee in zip(peaks[:ends], knees[2:]):
            self._envelope = max(peak, self._peak, self._envelope * self._release)
            self._peak = 0.0
            self._now = self._next
            self._next = knee / self._envelope if self._envelope > knee else 1.0
            nodes.append(self._next)
        if ends < len(peaks):
            self._peak = max(self._peak, peaks[-1])
        return nodes, max(peaks)


def _scale(signal: np.ndarray, nodes: List[float], index: np.ndarray, slope: np.ndarray) -> None:
    """Multiplies `signal` in place by the gain on straight lines between the nodes."""
    if nodes.count(1.0) != len(nodes):
        signal *= _line(nodes, index, slope)


def _line(nodes: List[float], index: np.ndarray, slope: np.ndarray) -> Union[float, np.ndarray]:
    """Returns what lies on straight lines between the nodes, float64 [n]; one number where they are all the same."""
    first = nodes[0]
    if nodes.count(first) == len(nodes):
        return first
    points = np.array(nodes)
    line = (points[1:] - points[:-1])[index]
    line *= slope
    line += points[index]
    return np.asarray(line)


def _bend(signal: np.ndarray, knee: Union[float, np.ndarray]) -> None:
    """Bends what is above the knee, a number or [n], towards the ceiling that belongs to it, in place."""
    size = np.abs(signal)
    loud = np.flatnonzero(size > knee)
    start = knee[loud] if isinstance(knee, np.ndarray) else knee
    room = start * (CEILING / KNEE - 1.0)
    bent = start + room * np.tanh((size[loud] - start) / room)
    signal[loud] = np.copysign(bent, signal[loud])
