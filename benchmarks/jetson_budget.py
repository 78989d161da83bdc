"""What a bundle asks of a Jetson, on paper: multiplications, bytes, kernels, and the time they would take.

Nobody here has a board, so this is arithmetic with assumptions that stand beside its results: an estimate to decide
with, not a figure to quote. To tell how far such arithmetic is off, the same formula is applied to this machine, whose
rates are measured, and held against what the graphs take here. `python -m benchmarks.jetson_budget [--page FILE]`
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.description import read_description

ROLES = ("decoder", "prior", "meter")
BEGIN, END = "<!-- budget: begin -->", "<!-- budget: end -->"
# Operators that only name memory anew, or that engines turn into nothing.
_FREE = ("Reshape", "Squeeze", "Unsqueeze", "Identity", "Constant", "Flatten")
# What TensorRT and ONNX Runtime append to the product before it.
_POINTWISE = (
    "Add",
    "Sub",
    "Mul",
    "Div",
    "LeakyRelu",
    "Relu",
    "Tanh",
    "Sigmoid",
    "Clip",
    "Exp",
    "Max",
    "Min",
)
_PRODUCTS = ("Gemm", "MatMul", "Conv", "ConvTranspose")
_WARM, _MEASURED = 200, 2000


class Machine(NamedTuple):
    """What a frame is estimated with: GFLOP/s that small products reach, GB/s, microseconds per operator or kernel."""

    name: str
    gflops: float
    gbytes: float
    each_us: float
    fused: bool
    assumed: str


BOARDS = (
    Machine(
        "Jetson Nano, one A57 core",
        2.3,
        4.0,
        4.0,
        False,
        "1.43 GHz x 8 FLOP a cycle, a fifth of that for products of one row; 4 GB/s of one core; 4 us an operator",
    ),
    Machine(
        "Jetson Nano, GPU",
        47.0,
        18.0,
        15.0,
        True,
        "236 GFLOP/s in single precision at a fifth; 70 % of 25.6 GB/s; 15 us a kernel from the A57",
    ),
    Machine(
        "Orin Nano, one A78AE core",
        7.2,
        12.0,
        1.5,
        False,
        "1.5 GHz x 16 FLOP a cycle, three tenths of that; 12 GB/s of one core; 1.5 us an operator",
    ),
    Machine(
        "Orin Nano, GPU",
        256.0,
        48.0,
        7.0,
        True,
        "1.28 TFLOP/s in single precision at a fifth; 70 % of 68 GB/s; 7 us a kernel",
    ),
)


class Work(NamedTuple):
    """What one frame of a graph asks for: multiplications, bytes read and written, operators, kernels after fusing."""

    macs: int
    bytes: int
    operators: int
    kernels: int

    def milliseconds(self, machine: Machine) -> float:
        """Estimate a frame: arithmetic or memory, whichever is longer, and so much for each operator."""
        count = self.kernels if machine.fused else self.operators
        work = max(2e-6 * self.macs / machine.gflops, 1e-6 * self.bytes / machine.gbytes)
        return work + 1e-3 * count * machine.each_us


def work_of(path: str) -> Work:
    """Count what a frame of the graph at ``path`` asks for."""
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    shapes = {row.name: list(row.dims) for row in graph.initializer}
    for value in [*graph.input, *graph.output, *graph.value_info]:
        shapes[value.name] = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    weights = sum(int(np.prod(row.dims)) for row in graph.initializer)
    ends = sum(int(np.prod(shapes[row.name])) for row in [*graph.input, *graph.output])
    macs = sum(_macs(node, shapes) for node in graph.node)
    operators = [node for node in graph.node if node.op_type not in _FREE]
    return Work(macs, 4 * (weights + ends), len(operators), _kernels(operators))


def _macs(node: Any, shapes: Dict[str, List[int]]) -> int:
    if node.op_type not in _PRODUCTS:
        return 0
    out = int(np.prod(shapes[node.output[0]]))
    if node.op_type in ("Gemm", "MatMul"):
        return out * shapes[node.input[0]][-1]
    # Each output of a convolution sums over the channels and taps of one filter.
    return out * int(np.prod(shapes[node.input[1]][1:]))


def _kernels(operators: List[Any]) -> int:
    """Count what is left where each chain of pointwise operators with one reader joins what comes before it."""
    readers: Dict[str, int] = {}
    for node in operators:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    made = {name: node for node in operators for name in node.output}
    joined = 0
    for node in operators:
        if node.op_type not in _POINTWISE:
            continue
        sources = [name for name in node.input if name in made]
        joined += any(
            readers[name] == 1 and made[name].op_type in _PRODUCTS + _POINTWISE for name in sources
        )
    return len(operators) - joined


def this_machine() -> Machine:
    """Measure what one core here can do at products of one row out of the cache, at reading, and an operator's cost."""
    matrix, row = np.ones((768, 256), np.float32), np.ones((1, 768), np.float32)
    seconds = _best(lambda: row @ matrix)
    large = np.ones(16 << 20, np.float32)
    return Machine(
        "this machine, one core",
        2e-9 * matrix.size / seconds,
        1e-9 * large.nbytes / _best(lambda: large.sum(), 5),
        0.5,
        False,
        "measured, but for the 0.5 us an operator",
    )


def _best(work: Any, passes: int = 500) -> float:
    found = []
    for _ in range(passes):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def measured(bundle: Bundle, role: str) -> float:
    """Return the milliseconds that a frame of a graph takes here, back to back, the fastest tenth."""
    graph = bundle.graphs[role].fork()
    random = np.random.RandomState(0)
    values = {
        name: 0.3 * random.randn(*shape).astype(np.float32) for name, shape in graph.inputs.items()
    }
    seconds = []
    for _ in range(_WARM + _MEASURED):
        began = time.perf_counter()
        graph.run(**values)
        seconds.append(time.perf_counter() - began)
    return 1e3 * float(np.percentile(seconds[_WARM:], 10))


def budget(folder: str) -> Tuple[str, List[str]]:
    """Return a bundle's name and the lines of its table."""
    info = read_description(folder).info
    bundle = load_bundle(folder, make_engine("onnx"))
    deadline = 1e3 * info.hop / info.sample_rate
    machines = (*BOARDS, this_machine())
    head = "| graph | MMAC | MB | operators | kernels | " + " | ".join(
        m.name + ", ms" for m in machines
    )
    lines = [head + " | measured here, ms |", "|" + "---|" * (6 + len(machines))]
    totals = [0.0] * (len(machines) + 1)
    for role in ROLES:
        if role not in bundle.graphs:
            continue
        work = work_of(str(Path(folder) / (role + ".onnx")))
        row = [work.milliseconds(machine) for machine in machines] + [measured(bundle, role)]
        totals = [total + value for total, value in zip(totals, row)]
        lines.append(
            "| %s | %.2f | %.2f | %d | %d | "
            % (role, 1e-6 * work.macs, 1e-6 * work.bytes, *work[2:])
            + " | ".join("%.2f" % value for value in row)
            + " |"
        )
    shares = ["%.2f (%.0f %%)" % (total, 100.0 * total / deadline) for total in totals]
    lines.append("| a frame of %.1f ms | | | | | %s |" % (deadline, " | ".join(shares)))
    return info.name, lines


def page(folders: List[str]) -> str:
    """Return the tables of all bundles and the assumptions, as Markdown."""
    parts = []
    for folder in folders:
        name, lines = budget(folder)
        parts += ["### %s" % name, "\n".join(lines)]
    rows = ["- %s: %s." % (machine.name, machine.assumed) for machine in BOARDS]
    return "\n\n".join([*parts, "Assumed:\n\n" + "\n".join(rows)])


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shipped = sorted(str(path.parent) for path in Path("models").glob("*/bundle.yaml"))
    parser.add_argument("bundles", nargs="*", default=shipped, metavar="DIR")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables into this page")
    options = parser.parse_args()
    text = page(options.bundles)
    print(text)
    if options.page is not None:
        old = options.page.read_text("utf-8")
        head, tail = old[: old.index(BEGIN) + len(BEGIN)], old[old.index(END) :]
        options.page.write_text(head + "\n\n" + text + "\n\n" + tail, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
