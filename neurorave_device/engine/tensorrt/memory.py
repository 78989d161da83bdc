"""Memory that both the CPU and the GPU see, and memory that only the GPU sees; CUDA thread only.

Inputs and outputs are in mapped pinned memory: no copy call in either direction. On a Jetson Nano the CPU does not
cache such memory, so it is touched once per frame and in order, from and to ordinary arrays. States never leave the
device.
"""

from typing import Any, Dict, List, Mapping, Sequence

import numpy as np

from neurorave_device.engine.base import Shape

# TensorRT asks for addresses that are multiples of 256 bytes.
ALIGN = 64


class Layout:
    """Where arrays of given shapes lie in one block of float32; `size` is its length."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = list(shapes)
        self.starts: List[int] = []
        self.size = 0
        for shape in shapes:
            self.starts.append(self.size)
            self.size += -(-count(shape) // ALIGN) * ALIGN
        # An empty block cannot be allocated.
        self.size = max(self.size, ALIGN)

    def views(self, block: np.ndarray) -> List[np.ndarray]:
        """Return the arrays within a block [size]."""
        return [
            block[start : start + count(shape)].reshape(shape)
            for start, shape in zip(self.starts, self.shapes)
        ]

    def addresses(self, base: int) -> List[int]:
        """Return the arrays' addresses within a block at `base`."""
        return [base + 4 * start for start in self.starts]


class Exchange:
    """The inputs or the outputs of a graph: ordinary arrays, and their double that the GPU sees."""

    def __init__(self, cuda: Any, shapes: Mapping[str, Shape]) -> None:
        layout = Layout(list(shapes.values()))
        self._near = np.zeros(layout.size, dtype=np.float32)
        self.arrays: Dict[str, np.ndarray] = dict(zip(shapes, layout.views(self._near)))
        self._far = cuda.pagelocked_empty(
            (layout.size,), np.float32, mem_flags=cuda.host_alloc_flags.DEVICEMAP
        )
        self._far[...] = 0.0
        base = int(self._far.base.get_device_pointer())
        self.addresses: Dict[str, int] = dict(zip(shapes, layout.addresses(base)))

    def push(self) -> None:
        """Copy the ordinary arrays to where the GPU reads."""
        self._far[...] = self._near

    def pull(self) -> None:
        """Copy what the GPU has written to the ordinary arrays."""
        self._near[...] = self._far

    def free(self) -> None:
        """Give the pinned memory back."""
        self._far.base.free()


class States:
    """One side of the states of a graph, in device memory; TensorRT writes it, the other side is read."""

    def __init__(self, cuda: Any, shapes: Sequence[Shape]) -> None:
        self._cuda = cuda
        self._layout = Layout(shapes)
        self._block = cuda.mem_alloc(4 * self._layout.size)
        self.addresses = self._layout.addresses(int(self._block))

    def zero(self, stream: Any) -> None:
        """Zero all states, in order with what else is on the stream."""
        self._cuda.memset_d32_async(int(self._block), 0, self._layout.size, stream)

    def read(self) -> List[np.ndarray]:
        """Return copies of the states; waits for the device."""
        block = np.empty(self._layout.size, dtype=np.float32)
        self._cuda.memcpy_dtoh(block, int(self._block))
        return [view.copy() for view in self._layout.views(block)]

    def write(self, states: Sequence[np.ndarray]) -> None:
        """Put states in; waits for the device."""
        block = np.zeros(self._layout.size, dtype=np.float32)
        for view, state in zip(self._layout.views(block), states):
            view[...] = state
        self._cuda.memcpy_htod(int(self._block), block)

    def free(self) -> None:
        """Give the device memory back."""
        self._block.free()


def count(shape: Shape) -> int:
    """Return the number of elements."""
    number = 1
    for size in shape:
        number *= size
    return number
