"""The command pipe: every command once, in order, never half, and never waiting for a reader."""

import multiprocessing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.link.commands import (
    CommandReceiver,
    CommandSender,
    GatePress,
    decode,
    encode,
    make_pipe,
)


@given(command=st.builds(GatePress, st.sampled_from([1, 2]), st.booleans()))
def test_a_command_survives_the_way(command: GatePress) -> None:
    assert decode(encode(command)) == command


@given(message=st.binary(max_size=80))
def test_noise_is_no_command(message: bytes) -> None:
    with pytest.raises(ValueError):
        decode(message)


@pytest.mark.parametrize(
    "message",
    [
        b'{"command": "gate", "gate": 3, "down": true}',
        b'{"command": "gate", "gate": true, "down": true}',
        b'{"command": "gate", "gate": 1, "down": "yes"}',
        b'{"command": "gate", "gate": 1}',
        b'{"command": "gate", "gate": [], "down": true}',
        b'{"command": "explode", "gate": 1, "down": true}',
        b'{"gate": 1, "down": true}',
        b"[]",
        b"3",
    ],
)
def test_other_json_is_no_command(message: bytes) -> None:
    with pytest.raises(ValueError):
        decode(message)


def test_order_is_kept_and_noise_between_is_dropped() -> None:
    receiving, sending = make_pipe()
    sender, receiver = CommandSender(sending), CommandReceiver(receiving)
    assert not receiver.wait(0)
    assert receiver.receive() is None
    sender.send(GatePress(1, True))
    sending.send(b"noise")
    sender.send(GatePress(1, False))
    sender.send(GatePress(2, True))
    assert receiver.wait(10)
    assert receiver.drain() == [GatePress(1, True), GatePress(1, False), GatePress(2, True)]
    receiving.close()
    sending.close()


def test_a_reader_that_is_gone_or_slow_never_blocks_the_sender() -> None:
    receiving, sending = make_pipe()
    sender = CommandSender(sending)
    sent = 0
    while sender.send(GatePress(2, True)):
        sent += 1
        assert sent < 10**6
    assert sent > 0
    receiver = CommandReceiver(receiving)
    assert len(receiver.drain()) == sent
    assert sender.send(GatePress(1, True))
    receiving.close()
    assert not sender.send(GatePress(1, True))
    sending.close()


def press_twice(sending: Any) -> None:
    sender = CommandSender(sending)
    sender.send(GatePress(1, True))
    sender.send(GatePress(1, False))


def test_the_pipe_outlives_a_face_and_serves_the_next_one() -> None:
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = make_pipe()
    receiver = CommandReceiver(receiving)
    for _ in range(2):
        face = spawn.Process(target=press_twice, args=(sending,))
        face.start()
        face.join(60)
        assert face.exitcode == 0
        assert receiver.drain() == [GatePress(1, True), GatePress(1, False)]
    receiving.close()
    sending.close()
