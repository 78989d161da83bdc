"""The pipe from the face to the sound process: events, in order, each exactly once.

What has a *state* (parameters, jacks) lives in shared memory instead, where it outlives either process and
the newest value wins. Only what *happens* goes through the pipe.

The pipe is a pair of Unix datagram sockets, because a datagram arrives whole or not at all: a process that
dies in the middle of sending or receiving cannot leave half a message to its successor.
"""

import json
import select
import socket
from typing import List, NamedTuple, Optional, Tuple, Union

_LARGEST = 1024


class GatePress(NamedTuple):
    """A gate button went down or up; ``gate`` is 1 or 2."""

    gate: int
    down: bool


class Stop(NamedTuple):
    """Fade out and end."""


Command = Union[GatePress, Stop]


def encode(command: Command) -> bytes:
    """Turn a command into one JSON message."""
    fields = dict(command._asdict())
    fields["command"] = type(command).__name__
    return json.dumps(fields, sort_keys=True).encode("utf-8")


def decode(message: bytes) -> Command:
    """Turn a message back into its command; ValueError for anything else."""
    try:
        fields = json.loads(message.decode("utf-8"))
        name = fields.pop("command")
        if name == "Stop" and not fields:
            return Stop()
        if name == "GatePress" and set(fields) == {"gate", "down"}:
            if fields["gate"] in (1, 2) and isinstance(fields["down"], bool):
                return GatePress(int(fields["gate"]), fields["down"])
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError):
        pass
    raise ValueError("not a command: %r" % message[:80])


class CommandSender:
    """The face's end of the pipe; one thread at a time. Never waits."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def send(self, command: Command) -> bool:
        """Send a command; False where the sound process has stopped reading and the pipe is full."""
        try:
            self._end.send(encode(command))
        except (BlockingIOError, ConnectionError):
            return False
        return True


class CommandReceiver:
    """The sound process's end of the pipe; one thread."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def wait(self, seconds: float) -> bool:
        """Wait until a command is there, at most ``seconds``; say whether one is."""
        ready, _, _ = select.select([self._end], [], [], seconds)
        return bool(ready)

    def receive(self) -> Optional[Command]:
        """Return the next command, or None; a message that is no command is dropped."""
        while True:
            try:
                message = self._end.recv(_LARGEST)
            except (BlockingIOError, ConnectionError):
                return None
            try:
                return decode(message)
            except ValueError:
                continue

    def drain(self) -> List[Command]:
        """Return all commands that wait, oldest first."""
        found: List[Command] = []
        while True:
            command = self.receive()
            if command is None:
                return found
            found.append(command)


def make_pipe() -> Tuple[socket.socket, socket.socket]:
    """Return (receiving end, sending end); both can be handed to a child process that is being started."""
    receiving, sending = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return receiving, sending
