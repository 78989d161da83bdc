"""Memory that is there before it is wanted: a first touch costs microseconds a page, for a graph milliseconds.

ONNX Runtime takes a graph's memory while it keeps the interpreter's lock. So as much is taken, touched and given back
just before, without the lock, by the same thread, and the C library is told to keep what it was given back.
"""

import ctypes
from typing import Any, Optional

# <malloc.h> of glibc. It allows no larger bound for what it maps apart, and then gives back at once.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 32 << 20
_KEPT = 1 << 30


def keep_memory() -> Optional[Any]:
    """Let the C library of this process keep memory that is freed; returns it, None where it cannot do that."""
    library = ctypes.CDLL(None)
    try:
        done = library.mallopt(_MMAP_THRESHOLD, _LARGEST) and library.mallopt(
            _TRIM_THRESHOLD, _KEPT
        )
    except AttributeError:
        return None
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.free.restype = None
    return library if done else None


def warm(size: int) -> None:
    """Have some ``size`` bytes ready for what the calling thread does next; 31 MB at most, none where it cannot be."""
    library = keep_memory()
    if library is None:
        return
    size = min(size, _LARGEST - (1 << 20))
    # Calls of such a library let go of the interpreter's lock.
    block = library.malloc(size)
    if block:
        library.memset(block, 0, size)
        library.free(block)
