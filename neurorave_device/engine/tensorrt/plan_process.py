"""The process that makes plans: low priority, first to go when memory runs out, and nothing of it is left behind.

It is a child of the process that wants the plans, and tells it what it does over its status pipe: a status READY with a
JSON text for each step. What it has finished is in the folder of plans, whatever happens to it later.
"""

import json
import time
from typing import Any, Dict, List, Optional

from neurorave_device.engine.tensorrt.build import BuildFailed
from neurorave_device.engine.tensorrt.cache import BuildLock
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.planning import make_plans
from neurorave_device.engine.tensorrt.toolkit import Missing
from neurorave_device.engine.tensorrt.worker import close_shared, shared_worker
from neurorave_device.errors import UserError
from neurorave_device.processes.background import end_with_parent, step_back
from neurorave_device.processes.child import DONE, READY, StatusPipe, run_child

# Progress more often than this is news to nobody.
_TELL_SECONDS = 0.1


class _Teller:
    """Sends steps to the parent, the part done not more often than makes sense."""

    def __init__(self, status: StatusPipe) -> None:
        self._status = status
        self._last = ("", "")
        self._due = 0.0

    def tell(self, role: str, doing: str, part: Optional[float]) -> None:
        """Send a step; TensorRT calls this from threads of its own."""
        now = time.monotonic()
        if (role, doing) == self._last and now < self._due:
            return
        self._last, self._due = (role, doing), now + _TELL_SECONDS
        self._status.send(READY, json.dumps({"role": role, "doing": doing, "part": part}))


def work(settings: Dict[str, Any], status: StatusPipe) -> None:
    """Be the process."""
    step_back()
    end_with_parent(settings["supervisor"])
    teller = _Teller(status)
    teller.tell("", "starting", None)
    lock = None
    try:
        engine = TensorRtEngine()
        # TensorRT builds in this thread, and the sound must not wait for that.
        shared_worker(engine.toolkit, realtime=False)
        lock = BuildLock(engine.folder)
        if not lock.try_take():
            teller.tell("", "waiting", None)
            lock.take()
        made = make_plans(settings["bundle"], engine, settings["again"], teller.tell)
    except (Missing, BuildFailed) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError("the plan cannot be written ({})".format(error)) from None
    finally:
        close_shared()
        if lock is not None:
            lock.close()
    status.send(DONE, json.dumps([plan._asdict() for plan in made]))


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    return run_child(arguments, work)
