"""`neurorave bench`: how fast the voice runs on this machine, and how long a gate waits for its sound."""

import copy
import math
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from neurorave_device.audio.output import OutputStage
from neurorave_device.clock import Clock, SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.base import Graph, Value
from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import SILENT_VOLTS, Edge, Volts
from neurorave_device.parameters import default_values
from neurorave_device.processes.realtime import (
    SYNTHESIS_PRIORITY,
    Worker,
    awake,
    raise_priority,
    settle,
)
from neurorave_device.sound_process.timing import timing

WARM_FRAMES = 50
# A gate every so many frames: about twice a second at hop 512. A trigger costs up to two frames more.
TRIGGER_FRAMES = 43
GATES = 50
# A sound has begun when a sample is above this (-80 dBFS).
AUDIBLE = 1e-4

Progress = Callable[[float], None]


class _Times(NamedTuple):
    """Seconds per frame [n], seconds from a frame's due time to its end [n], share of one core used, 0..1, seconds
    in each graph."""

    frames: np.ndarray
    ends: np.ndarray
    busy: float
    graphs: Dict[str, float]


class _Permitted(NamedTuple):
    """What the system allowed: the synthesis thread's priority, and to keep the processor awake."""

    realtime: bool = False
    awake: bool = False


class _Timed(Graph):
    """A graph that adds the seconds it takes to `spent[role]`."""

    def __init__(self, role: str, graph: Graph, spent: Dict[str, float], clock: Clock) -> None:
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self._role, self._graph, self._spent, self._clock = role, graph, spent, clock
        spent[role] = 0.0

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        began = self._clock.now()
        result = self._graph.run(**values)
        self._spent[self._role] += self._clock.now() - began
        return result

    def reset(self) -> None:
        self._graph.reset()

    def fork(self) -> Graph:
        return _Timed(self._role, self._graph.fork(), self._spent, self._clock)


def bench(
    bundle_dir: str,
    engine: str = "onnx",
    threads: int = 1,
    seconds: float = 10.0,
    paced: bool = True,
    clock: Optional[Clock] = None,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """Plays `seconds` of sound frame by frame under moving CVs and random gates, and measures.

    One frame is all that the synthesis thread does for `hop` samples: mapping, guard, prior, decoder, meter and
    output stage, on one core. `paced` waits for each frame's time as in real life; otherwise they follow
    each other at once. `frame_ms` is computation time. A miss is a frame that is not ready when the next one is
    due: late start included where paced, computation longer than `deadline_ms` otherwise. `late` are those that the
    module, which makes sound `ahead_ms` ahead for a sound card, would have had too late for its output.
    `real_time_factor` is sound over computation time, `cpu_percent` CPU time over time passed, of one core.
    `graphs_ms` is the time per frame inside each graph, triggers' extra frames included, `graphs_real_time_factor`
    sound over the sum of these.
    `gate_to_sound_ms` is the time from a gate to its first audible sample leaving the buffer, with the
    module's own blocks, buffer and gate delay, in simulated time; what a sound card or a browser adds is not in it.
    `realtime` says whether the thread had the synthesis thread's priority, `awake` whether the processor was kept
    out of idle states, both as the module does and only a paced run asks for, `rss_mib` is the largest memory of
    the process, `engine` what really ran the graphs and `engine_note` why, if it says.
    Raises UserError on bad input. Main thread.
    """
    if not 0.0 < seconds <= 86400.0:
        raise UserError("seconds: {} is not allowed; it must be above 0".format(seconds))
    clock = clock or SystemClock()
    runs = make_engine(engine, threads)
    bundle = load_bundle(bundle_dir, runs)
    info = bundle.info
    settle()
    deadline = info.hop / float(info.sample_rate)
    count = max(1, math.ceil(seconds / deadline))
    times, permitted = _run(bundle, count, deadline if paced else None, clock, progress)
    graphs = {role: 1e3 * spent / count for role, spent in sorted(times.graphs.items())}
    milliseconds = 1e3 * times.frames
    ahead = Config(audio="soundcard").ahead_ms
    delays = 1e3 * gate_delays(bundle)
    return {
        "bundle": bundle_dir,
        "name": info.name,
        "engine": runs.name,
        "engine_note": runs.note,
        # TensorRT has one thread, however many were asked for.
        "threads": 1 if runs.name == "tensorrt" else threads,
        "paced": paced,
        "realtime": permitted.realtime,
        "awake": permitted.awake,
        "sample_rate": info.sample_rate,
        "hop": info.hop,
        "deadline_ms": 1e3 * deadline,
        "frames": count,
        "frame_ms": _figures(milliseconds, (("p50", 50.0), ("p99", 99.0), ("p999", 99.9))),
        "misses": int(np.sum(times.ends > deadline)),
        "ahead_ms": ahead,
        "late": int(np.sum(times.ends > deadline + 1e-3 * ahead)),
        "real_time_factor": deadline / float(np.mean(times.frames)),
        "graphs_ms": graphs,
        "graphs_real_time_factor": 1e3 * deadline / max(sum(graphs.values()), 1e-9),
        "cpu_percent": 100.0 * times.busy,
        "gate_to_sound_ms": dict(
            _figures(delays, (("p50", 50.0), ("p99", 99.0))), jitter=float(np.ptp(delays))
        ),
        "model": {"parameters": info.parameters, "mac_per_second": info.mac_per_second},
        "rss_mib": _memory(),
    }


def gate_delays(bundle: Bundle, gates: int = GATES, seed: int = 0) -> np.ndarray:
    """Returns the seconds from each of `gates` random gates to its first audible sample, float64 [gates].

    Each gate acts the module's constant delay after it happened (`timing`), in blocks of the module's size; a
    gate that makes no sound within half a second counts as that. The time of computing is not in it: the
    delay leaves room for it, and a frame that does not fit is an underrun.
    """
    config = Config()
    rate = bundle.info.sample_rate
    plan = timing(config.ahead_ms, config.block, rate, bundle.info.hop)
    random = np.random.RandomState(seed)
    delays = []
    for _ in range(gates):
        # A fresh voice each time: nothing else sounds. Its block grid knows nothing of the gate.
        start = int(random.randint(0, 10 * rate))
        moment = (start + random.uniform(0.0, config.block)) / rate
        voice = Voice(bundle, {}, meter=False, start_sample=start)
        edges = [Edge(1, True, moment + plan.gate)]
        last = start + rate // 2
        first = last
        while voice.position < last and first == last:
            position = voice.position
            sound = np.flatnonzero(np.abs(voice.render(config.block, _still, edges)) > AUDIBLE)
            if sound.size:
                first = position + int(sound[0])
            edges = []
        delays.append(first / float(rate) - moment)
    return np.array(delays)


def _run(
    bundle: Bundle,
    count: int,
    period: Optional[float],
    clock: Clock,
    progress: Optional[Progress],
) -> Tuple[_Times, _Permitted]:
    """Plays on a thread like the module's, or here where nothing paces it: that would starve the machine."""
    if period is None:
        return _play(bundle, count, None, clock, progress), _Permitted()
    found: List[Tuple[_Times, _Permitted]] = []

    def work(stays_awake: bool) -> None:
        permitted = _Permitted(raise_priority(SYNTHESIS_PRIORITY), stays_awake)
        found.append((_play(bundle, count, period, clock, progress), permitted))

    with awake() as granted:
        worker = Worker("bench", SYNTHESIS_PRIORITY, lambda: work(granted))
        worker.start()
        worker.join()
    if worker.error is not None:
        raise worker.error
    return found[0]


def _play(
    bundle: Bundle,
    count: int,
    period: Optional[float],
    clock: Clock,
    progress: Optional[Progress],
) -> _Times:
    """Plays `count` frames after some to warm up, one each `period` seconds where given."""
    spent: Dict[str, float] = {}
    timed = copy.copy(bundle)
    timed.graphs = {
        role: _Timed(role, graph, spent, clock) for role, graph in bundle.graphs.items()
    }
    voice = Voice(timed, default_values())
    stage = OutputStage(voice.sample_rate)
    hop = voice.hop
    random = np.random.RandomState(0)
    phases = random.uniform(0.0, 2.0 * math.pi, 4)

    def volts(sample: int) -> Volts:
        # Never at rest, so that no jack counts as unplugged.
        first, second, third, fourth = (2.5 * np.sin(sample * 1e-4 + phases) + 1.0).tolist()
        return first, second, third, fourth

    def edges(number: int) -> List[Edge]:
        if number % TRIGGER_FRAMES:
            return []
        sample = voice.position + int(random.randint(0, hop))
        return [
            Edge(1, True, sample / float(voice.sample_rate)),
            Edge(1, False, (sample + 1) / float(voice.sample_rate)),
        ]

    def frame(number: int) -> None:
        sound = voice.render(hop, volts, edges(number))
        stage.process(sound)
        voice.listen(sound)
        voice.take_frames()
        voice.take_heard()
        voice.take_triggers()

    for number in range(WARM_FRAMES):
        frame(number)
    spent.update(dict.fromkeys(spent, 0.0))
    times, ends = np.zeros(count), np.zeros(count)
    cpu, begin = time.process_time(), clock.now()
    for number in range(count):
        due = begin + number * period if period is not None else clock.now()
        clock.sleep(due - clock.now())
        start = clock.now()
        frame(number)
        end = clock.now()
        times[number], ends[number] = end - start, end - due
        if progress is not None and number % 32 == 0:
            progress((number + 1) / float(count))
    passed = clock.now() - begin
    if progress is not None:
        progress(1.0)
    busy = (time.process_time() - cpu) / passed if passed > 0.0 else 0.0
    return _Times(times, ends, busy, spent)


def _still(sample: int) -> Volts:
    return SILENT_VOLTS


def _figures(values: np.ndarray, wanted: Tuple[Tuple[str, float], ...]) -> Dict[str, float]:
    figures = {name: float(np.percentile(values, place)) for name, place in wanted}
    figures["max"] = float(values.max())
    return figures


def _memory() -> float:
    """Returns the largest resident memory of this process so far, MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
