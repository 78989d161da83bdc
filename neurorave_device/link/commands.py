"""The pipe from the face to the sound process: events, in order, each exactly once.

What has a *state* (parameters, jacks) lives in shared memory instead, where it outlives either process and
the newest value wins. Only what *happens* goes through the pipe.

The pipe is a pair of Unix datagram sockets, because a datagram arrives whole or not at all: a process that
dies in the middle of sending or receiving cannot leave half a message to its successor.
"""

import json
import select
import socket
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

# A folder's path is the longest that can be in a message.
_LARGEST = 8192


class GatePress(NamedTuple):
    """A gate button went down or up; ``gate`` is 1 or 2."""

    gate: int
    down: bool


class PlayBundle(NamedTuple):
    """Another bundle is to play; ``folder`` is its path."""

    folder: str


Command = Union[GatePress, PlayBundle]


def encode(command: Command) -> bytes:
    """Turn a command into one JSON message."""
    fields: Dict[str, Any]
    if isinstance(command, PlayBundle):
        fields = {"command": "bundle", "folder": command.folder}
    else:
        fields = {"command": "gate", "gate": command.gate, "down": command.down}
    return json.dumps(fields).encode("utf-8")


def decode(message: bytes) -> Command:
    """Turn a message back into its command; ValueError for anything else."""
    try:
        fields = json.loads(message.decode("utf-8"))
        if set(fields) == {"command", "gate", "down"} and fields["command"] == "gate":
            gate, down = fields["gate"], fields["down"]
            if type(gate) is int and gate in (1, 2) and isinstance(down, bool):
                return GatePress(gate, down)
        if set(fields) == {"command", "folder"} and fields["command"] == "bundle":
            if isinstance(fields["folder"], str):
                return PlayBundle(fields["folder"])
    except (TypeError, UnicodeDecodeError):
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


def from_descriptor(descriptor: int) -> socket.socket:
    """Return the end of the pipe that a child process has inherited."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, fileno=descriptor)
