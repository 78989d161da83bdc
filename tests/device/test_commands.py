"""The command pipe: every command once, in order, never half, and never waiting for a reader."""

import multiprocessing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device import commands
from neurorave_device.commands import (
    CommandReceiver,
    CommandSender,
    GatePress,
    Stop,
    decode,
    encode,
    make_pipe,
)

ANY_COMMAND = st.one_of(
    st.builds(GatePress, st.sampled_from([1, 2]), st.booleans()), st.just(Stop())
)


@given(command=ANY_COMMAND)
def test_a_command_survives_the_way(command: commands.Command) -> None:
    assert decode(encode(command)) == command
    assert type(decode(encode(command))) is type(command)


@given(message=st.binary(max_size=80))
def test_noise_is_no_command(message: bytes) -> None:
    with pytest.raises(ValueError):
        decode(message)


@pytest.mark.parametrize(
    "message",
    [
        b'{"command": "GatePress", "gate": 3, "down": true}',
        b'{"command": "GatePress", "gate": 1, "down": "yes"}',
        b'{"command": "GatePress", "gate": 1}',
        b'{"command": "Stop", "now": true}',
        b'{"command": "Explode"}',
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
    sender.send(Stop())
    assert receiver.wait(10)
    assert receiver.drain() == [GatePress(1, True), GatePress(1, False), Stop()]
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
    assert sender.send(Stop())
    receiving.close()
    assert not sender.send(Stop())
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
