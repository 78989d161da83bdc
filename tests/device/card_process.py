"""A process beside the test that has the rig's card to itself: it plays or reads, and tells its state when asked."""

import json
import time
from typing import Any, Callable, Dict

from tests.device.pulse import PulseRig


class CardProcess:
    """Runs one module on the rig's card until the test is over; each line to it is answered with its state.

    `patience`: so many seconds may it take until it is in a state that is waited for, or has ended.
    """

    def __init__(self, rig: PulseRig, patience: float, module: str, *arguments: str) -> None:
        self._patience = patience
        self.process: Any = rig.python(module, *arguments)

    def __enter__(self) -> "CardProcess":
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None:
            self.process.kill()
        self.process.communicate(timeout=self._patience)

    def state(self) -> Dict[str, Any]:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def wait(self, wanted: Callable[[Dict[str, Any]], bool]) -> Dict[str, Any]:
        end = time.monotonic() + self._patience
        state = self.state()
        while not wanted(state):
            assert time.monotonic() < end, state
            time.sleep(0.05)
            state = self.state()
        return state
