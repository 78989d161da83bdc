"""The process that runs the graphs of one bundle for another process, so that loading them holds nobody up.

It loads at an ordinary place and plays at the synthesis thread's. It ends when the other end of its line is closed.
"""

import os
import socket
from typing import Any, Dict, List

from neurorave_device.processes.background import step_back, step_forward
from neurorave_device.processes.child import StatusPipe, run_child, stop_on_signal
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY, raise_priority, settle


def work(settings: Dict[str, Any], status: StatusPipe) -> None:
    """Be the process."""
    # Who plays on until the sound has faded out needs this process until then, and hangs up.
    stop_on_signal(lambda: None)
    # Whoever has a real-time priority here can have one again, which does not mind how low the place is without it.
    low = os.sched_getscheduler(0) != os.SCHED_OTHER
    before = step_back(nice=low)
    # What is large is loaded only now that this process holds nobody up.
    from neurorave_device.engine.graph_desk import GraphDesk
    from neurorave_device.engine.graph_packets import LARGEST

    def play() -> None:
        step_forward(before)
        raise_priority(SYNTHESIS_PRIORITY)
        settle()

    requests = bytearray(LARGEST)
    desk = GraphDesk(requests, settings["engine"], play)
    with socket.socket(fileno=settings["line"]) as line:
        while True:
            size = line.recv_into(requests)
            if size == 0:
                return
            line.send(desk.answer(size))


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    return run_child(arguments, work)
