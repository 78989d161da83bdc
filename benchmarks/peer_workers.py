"""One process per engine: it sleeps on a pipe until it is its turn, then times some frames.

Engines in one process would share memory pools and caches of threads; processes that run at the same
time would take each other's processor.
"""

import os
import time
from multiprocessing.connection import Connection
from typing import Any, Dict, List

import numpy as np

# Frames before those that count: the process comes out of sleep.
LEAD = 3
# Frames of one sound of the shipped model; its prior falls silent after some seconds.
SOUND = 43
INPUTS = 64
LARGE_MB = 256


class OursRun:
    """The module's own engine; noise and inputs as its synthesis thread gives them."""

    def __init__(self, files: Dict[str, str], threads: int) -> None:
        from neurorave_device.engine.onnx_engine import OnnxGraph

        self._graphs = {r: OnnxGraph(p, threads) for r, p in files.items() if r != "peer"}
        self._random = np.random.Generator(np.random.PCG64(0))
        decoder = self._graphs["decoder"]
        shapes = {r: g.inputs.get("noise") for r, g in self._graphs.items()}
        self._noise = {r: np.zeros(s, np.float32) for r, s in shapes.items() if s}
        self._latents = [
            self._random.standard_normal(decoder.inputs["latents"], dtype=np.float32)
            for _ in range(INPUTS)
        ]
        if "mask" in decoder.inputs:
            self._mask = np.ones(decoder.inputs["mask"], np.float32)

    def again(self) -> None:
        for graph in self._graphs.values():
            graph.reset()

    def frame(self, number: int) -> None:
        for noise in self._noise.values():
            self._random.standard_normal(out=noise, dtype=np.float32)
        decoder = self._graphs["decoder"]
        if "prior" in self._graphs:
            found = self._graphs["prior"].run(
                noise=self._noise["prior"], temperature=1.0, forced=0.0, force=0.0
            )
            decoder.run(
                latents=found["latents"],
                descriptors=found["descriptors"],
                mask=self._mask,
                noise=self._noise["decoder"],
            )
        elif self._noise:
            decoder.run(latents=self._latents[number % INPUTS], noise=self._noise["decoder"])
        else:
            decoder.run(latents=self._latents[number % INPUTS])


class PeerRun:
    """The scripted model, loaded from its file as a host does; denormals off, which favours it."""

    def __init__(self, files: Dict[str, str], threads: int, inputs: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        self._torch = torch
        self._model = torch.jit.load(files["peer"]).eval()
        self._prior = "prior" in files
        self._arguments = [(torch.randn(1, inputs, 1),) for _ in range(INPUTS)]
        if self._prior:
            self._arguments = [(torch.ones(1), torch.ones(1, inputs))]

    def again(self) -> None:
        if self._prior:
            with self._torch.inference_mode():
                self._model.again()

    def frame(self, number: int) -> None:
        with self._torch.inference_mode():
            self._model(*self._arguments[number % len(self._arguments)]).numpy()


class MachineRun:
    """What this core can do: products of large matrices, reading memory, reading what fits a cache."""

    def __init__(self, sizes: Dict[str, int]) -> None:
        import torch

        torch.set_num_threads(1)
        self._squares = [torch.randn(n, n) for n in (512, 768)]
        self._large = torch.ones(LARGE_MB * 2**18)
        self._sizes = {name: torch.ones(size // 4) for name, size in sizes.items()}

    def measure(self) -> Dict[str, Any]:
        """GFLOP/s and GB/s, the best of a few passes."""
        flops = [2.0 * len(a) ** 3 / _best(lambda a=a: a @ a, 6) for a in self._squares]
        return {
            "gflops": 1e-9 * max(flops),
            "gbytes": 1e-9 * 4 * self._large.numel() / _best(self._large.sum, 2),
            "cached": {
                name: 1e-9 * 4 * values.numel() / _best(values.sum, 6)
                for name, values in self._sizes.items()
            },
        }


def _best(work: Any, passes: int) -> float:
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def turn(run: Any, frames: int, period: float) -> Dict[str, Any]:
    """Times `frames` frames; with a period each waits until it is due, and is late after one more."""
    run.again()
    seconds: List[float] = []
    misses = 0
    begin, due = time.process_time(), time.perf_counter()
    for number in range(-LEAD, frames):
        if number and number % SOUND == 0:
            run.again()
        if number == 0:
            begin = time.process_time()
        wait = due - time.perf_counter()
        if period and wait > 0.0:
            time.sleep(wait)
        elif period and number <= 0:
            due = time.perf_counter()
        start = time.perf_counter()
        run.frame(number)
        end = time.perf_counter()
        due += period
        if number >= 0:
            seconds.append(end - start)
            misses += end > due if period else False
    cpu = (time.process_time() - begin) / frames
    return {"seconds": seconds, "misses": int(misses), "cpu": cpu}


def work(
    pipe: Connection, kind: str, threads: int, cores: List[int], options: Dict[str, Any]
) -> None:
    """The process of an engine, until it is sent None."""
    os.sched_setaffinity(0, cores)
    run: Any
    if kind == "ours":
        run = OursRun(options["files"], threads)
    elif kind == "peer":
        run = PeerRun(options["files"], threads, options["inputs"])
    else:
        run = MachineRun(options["sizes"])
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        pipe.send(run.measure() if kind == "machine" else turn(run, *asked))
