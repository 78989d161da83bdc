"""Plans on disk: one file each, which says what it was made for and is believed only where all of it agrees.

The form of a file is that of `neurorave_device/engine/sealed.py`. A plan that does not agree is never given to
TensorRT, which may crash on one from another board.
"""

import fcntl
import hashlib
import json
import os
from typing import IO, Any, Dict, List, NamedTuple, Tuple

from neurorave_device.engine.sealed import (
    Damaged,
    names,
    read_header,
    read_payload,
    remove,
    write_sealed,
)
from neurorave_device.engine.tensorrt.toolkit import Board

MAGIC = b"NRPLAN1\n"
FOLDER_VARIABLE = "NEURORAVE_PLANS"
HALF = "fp16"
SINGLE = "fp32"
TIMING = "timing"

_SUFFIX = ".plan"
_LOCK = "lock"


class PlanKey(NamedTuple):
    """All that must be the same for a plan to be used; `precision` is fp32, fp16, or timing for a timing cache."""

    onnx_sha256: str
    tensorrt: str
    gpu: str
    capability: str
    l4t: str
    precision: str


class StoredPlan(NamedTuple):
    """A plan as found: `payload` for TensorRT, `facts` as they were noted when it was built."""

    payload: bytes
    facts: Dict[str, Any]


class PlanRefused(Exception):
    """There is no plan that may be used; the text is the reason, without a full stop."""


def plan_folder() -> str:
    """Return where plans are kept: $NEURORAVE_PLANS, or neurorave/plans in the user's cache folder."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return given
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "neurorave", "plans")


def plan_key(board: Board, onnx_sha256: str, precision: str) -> PlanKey:
    """Return the key of a graph on a board."""
    return PlanKey(onnx_sha256, board.tensorrt, board.gpu, board.capability, board.l4t, precision)


def plan_path(folder: str, key: PlanKey) -> str:
    """Return where the plan with this key is, or would be."""
    digest = hashlib.sha256(json.dumps(key._asdict(), sort_keys=True).encode("utf-8")).hexdigest()
    return os.path.join(folder, key.onnx_sha256[:16] + "-" + digest[:16] + _SUFFIX)


def write_plan(folder: str, key: PlanKey, payload: bytes, facts: Dict[str, Any]) -> str:
    """Write a plan and return its path; OSError where that fails, and then nothing has changed."""
    path = plan_path(folder, key)
    write_sealed(path, MAGIC, key._asdict(), payload, facts)
    return path


def read_plan(folder: str, key: PlanKey) -> StoredPlan:
    """Read and check the plan with this key; raises PlanRefused with the reason."""
    try:
        with open(plan_path(folder, key), "rb") as handle:
            header = read_header(handle, MAGIC)
            if header["key"] != key._asdict():
                raise PlanRefused(_difference(header["key"], key))
            return StoredPlan(read_payload(handle, header), header["facts"])
    except FileNotFoundError:
        raise PlanRefused(_why_none(folder, key)) from None
    except OSError as error:
        raise PlanRefused("its plan cannot be read ({})".format(error.strerror)) from None
    except Damaged as error:
        raise PlanRefused("its plan is {}".format(error)) from None


def read_best(folder: str, board: Board, onnx_sha256: str) -> Tuple[PlanKey, StoredPlan]:
    """Return the plan of a graph for this board, half precision before single; raises PlanRefused."""
    reasons: List[str] = []
    for precision in (HALF, SINGLE):
        key = plan_key(board, onnx_sha256, precision)
        try:
            return key, read_plan(folder, key)
        except PlanRefused as error:
            if os.path.exists(plan_path(folder, key)):
                # A plan that is there and no good tells more than one that is not there.
                reasons.insert(0, str(error))
            else:
                reasons.append(str(error))
    raise PlanRefused(reasons[0])


def drop_plan(folder: str, key: PlanKey) -> None:
    """Remove a plan that has failed; nothing happens where that is not possible."""
    remove(plan_path(folder, key))


class BuildLock:
    """Held by the one process that builds; another one waits. Ends with its process, however that ends."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self._handle: IO[str] = open(os.path.join(folder, _LOCK), "w", encoding="utf-8")

    def try_take(self) -> bool:
        """Take the lock if nobody has it, and say whether that was so."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self) -> None:
        """Wait for the lock."""
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def close(self) -> None:
        """Give the lock back."""
        self._handle.close()


def _why_none(folder: str, key: PlanKey) -> str:
    """Say what speaks against a plan of the same graph that was made for something else, if there is one."""
    for name in names(folder):
        if name.startswith(key.onnx_sha256[:16] + "-") and name.endswith(_SUFFIX):
            try:
                with open(os.path.join(folder, name), "rb") as handle:
                    other = read_header(handle, MAGIC)["key"]
            except (OSError, Damaged):
                continue
            if dict(other, precision=key.precision) != key._asdict():
                return _difference(other, key)
    return "it has no plan yet"


def _difference(found: Dict[str, str], key: PlanKey) -> str:
    words = {
        "onnx_sha256": "another graph",
        "tensorrt": "TensorRT {}, here is {}",
        "gpu": "the GPU {}, here is {}",
        "capability": "compute capability {}, here is {}",
        "l4t": "L4T {}, here is {}",
        "precision": "{}, not {}",
    }
    for name, wanted in key._asdict().items():
        if found.get(name) != wanted:
            return "its plan was made for " + words[name].format(found.get(name), wanted)
    return "its plan was made for something else"
