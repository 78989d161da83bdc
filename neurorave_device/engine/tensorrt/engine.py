"""The TensorRT engine: graphs from plans that were built on this very board, and nothing else."""

from typing import Optional, Tuple

from neurorave_device.engine.base import Engine
from neurorave_device.engine.digest import sha256_of
from neurorave_device.engine.tensorrt import cache
from neurorave_device.engine.tensorrt.build import make_runtime
from neurorave_device.engine.tensorrt.cache import PlanKey, PlanRefused, StoredPlan
from neurorave_device.engine.tensorrt.graph import Plan, TensorRtGraph
from neurorave_device.engine.tensorrt.toolkit import (
    Board,
    Missing,
    Toolkit,
    find_board,
    find_toolkit,
    one_line,
)
from neurorave_device.engine.tensorrt.worker import close_shared, shared_worker
from neurorave_device.errors import UserError


class TensorRtEngine(Engine):
    """Loads graphs from the plans in `folder`; raises Missing where TensorRT cannot be used here.

    All engines of a process share one CUDA thread, which is started with the first graph.
    """

    name = "tensorrt"

    def __init__(self, toolkit: Optional[Toolkit] = None, folder: Optional[str] = None) -> None:
        self.toolkit: Toolkit = toolkit or find_toolkit()
        self.board: Board = find_board(self.toolkit)
        self.folder: str = folder or cache.plan_folder()

    def load(self, path: str) -> TensorRtGraph:
        """Loads the plan of one ONNX file; raises UserError where there is none that may be used."""
        try:
            key, stored = self.stored(path)
            return self.open(path, key, stored.payload)
        except (PlanRefused, Missing) as error:
            raise UserError(
                "{}: {}; `neurorave plan --bundle DIR` builds the plans".format(path, error)
            ) from None

    def close(self) -> None:
        """Takes the process's CUDA context down, and with it the graphs of every TensorRT engine in it."""
        close_shared()

    def stored(self, path: str) -> Tuple[PlanKey, StoredPlan]:
        """Finds and checks the plan of an ONNX file without loading it; raises PlanRefused, UserError."""
        return cache.read_best(self.folder, self.board, sha256_of(path))

    def open(self, path: str, key: PlanKey, payload: bytes) -> TensorRtGraph:
        """Makes a graph of a plan that has been checked; raises PlanRefused where TensorRT cannot run it."""
        worker = shared_worker(self.toolkit)

        def failed(reason: str) -> None:
            # Whatever it was, the sound process is going to start again, and shall not meet this plan.
            cache.drop_plan(self.folder, key)

        try:
            plan = worker.call(
                lambda: Plan(path, worker, make_runtime(self.toolkit.trt), payload, failed)
            )
            return TensorRtGraph(plan)
        except UserError as error:
            raise PlanRefused(str(error)) from None
        except Exception as error:
            raise PlanRefused("its plan does not run ({})".format(one_line(error))) from None
