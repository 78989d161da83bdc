"""A real PortAudio stream on a card that is recorded: what is played arrives, and returns after the card was gone."""

import time

import numpy as np

from tests.device.card_process import CardProcess
from tests.device.pulse import RATE, PulseRig, Recorder, counted

# Large, so that a busy machine does not fail what is no test of speed.
LATENCY_MS = "300"
PATIENCE = 60.0


def playing(rig: PulseRig) -> CardProcess:
    """Return the player's process; asked for its state by a line."""
    return CardProcess(rig, PATIENCE, "tests.device.card_player", LATENCY_MS)


def wait_for_sound(recorder: Recorder, count: int) -> np.ndarray:
    """Return what is heard, without the silence around it, once so many samples of it are there."""
    end = time.monotonic() + PATIENCE
    while True:
        heard = np.flatnonzero(recorder.samples[:, 0])
        if heard.size >= count:
            return recorder.samples[heard[0] : heard[-1] + 1]
        assert time.monotonic() < end, heard.size
        time.sleep(0.1)


def test_all_that_is_played_arrives_in_order_on_both_channels(rig: PulseRig) -> None:
    # A machine that is too busy for 300 ms gets another try: PortAudio then says that it has dropped something.
    for _ in range(3):
        recorder = rig.record()
        with playing(rig) as player:
            heard = wait_for_sound(recorder, RATE)
            state = player.state()
        recorder.stop()
        if state["underruns"] == 0:
            break
    assert state["underruns"] == 0 and state["notice"] is None and state["fault"] is None
    numbers = counted(heard[:, 0])
    # PulseAudio may cut a few milliseconds off the beginning of a stream.
    assert numbers[0] < RATE // 20
    assert np.array_equal(numbers, np.arange(numbers[0], numbers[0] + numbers.size))
    assert np.array_equal(heard[:, 0], heard[:, 1])


def test_a_card_that_dies_and_comes_back_plays_on(rig: PulseRig) -> None:
    recorder = rig.record()
    with playing(rig) as player:
        wait_for_sound(recorder, RATE // 4)
        rig.kill()
        gone = player.wait(lambda state: state["notice"] is not None)
        assert gone["notice"].endswith("is gone; the sound returns when it is there again.")
        # Without a card the stream's time goes on.
        later = player.wait(lambda state: state["count"] > gone["count"] + RATE // 4)
        rig.start()
        again = rig.record()
        back = player.wait(lambda state: state["notice"] is None)
        numbers = counted(wait_for_sound(again, RATE // 4)[:, 0])
        assert back["fault"] is None
    # The sound of now, not that of the moment when the card went; each sample follows the one before.
    assert numbers[0] > later["count"]
    assert np.mean(np.diff(numbers) == 1) > 0.99
