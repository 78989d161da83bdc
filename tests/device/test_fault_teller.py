"""Faults of the inputs: on the terminal once each when they begin and end, on the screen before what is less urgent."""

import subprocess
import sys
from pathlib import Path
from typing import List

from neurorave_device.clock import VirtualClock
from neurorave_device.drivers.fault_teller import FaultTeller
from neurorave_device.sound_process.notices import NOTICE_SECONDS, Notices
from tests.device.toy import TOY

CVS = (
    "The CV inputs on /dev/spidev0.0 read all zeros; check MISO, chip select and the pin functions."
)
GATES = "The gates on pins 29 and 31: No such device; check the board."


def test_each_fault_is_said_when_it_begins_and_when_it_is_over() -> None:
    said: List[str] = []
    teller = FaultTeller(said.append)
    for faults in [(), ("", ""), (CVS, ""), (CVS, ""), (CVS, GATES), (CVS, GATES)]:
        teller.follow(faults)
    assert said == [CVS, GATES]
    # Another reason of the same device is news, and the old one is not over.
    other = "The gates on pins 29 and 31: used by another program; check the board."
    teller.follow((CVS, other))
    assert said[2:] == [other]
    teller.follow(("", other))
    assert said[3:] == ["This is over: The CV inputs on /dev/spidev0.0 read all zeros."]
    # All well is told by no sentences, too.
    teller.follow(())
    teller.follow(())
    assert said[4:] == ["This is over: The gates on pins 29 and 31: used by another program."]
    teller.follow((CVS, ""))
    assert said[5:] == [CVS]


def test_a_fault_takes_the_place_of_what_was_said_before_it() -> None:
    clock = VirtualClock(3.0)
    notices = Notices(clock)
    notices.say("ONNX Runtime plays.")
    assert notices.message(None, ("", ""), "") == "ONNX Runtime plays."
    clock.advance(1.0)
    assert notices.message(None, (CVS, ""), "Plans: 3 of 5.") == CVS
    clock.advance(1.0)
    # What the player does now is answered all the same, also while a part becomes well; then the fault is there again.
    notices.message(None, (CVS, GATES), "")
    notices.say("nothing is no bundle; toy plays on.")
    assert notices.message(None, (CVS, GATES), "") == "nothing is no bundle; toy plays on."
    assert notices.message(None, ("", GATES), "") == "nothing is no bundle; toy plays on."
    clock.advance(NOTICE_SECONDS)
    assert notices.message(None, ("", GATES), "") == GATES
    # One of both that begins again is a fault that begins.
    notices.say("Too hot.")
    assert notices.message(None, (CVS, GATES), "") == CVS + " " + GATES
    assert notices.message("The sound card is gone.", (CVS, GATES), "") == "The sound card is gone."
    assert notices.message(None, ("", ""), "Plans: 3 of 5.") == "Plans: 3 of 5."
    assert notices.message(None, (), "") == ""


def test_a_fault_of_the_jacks_is_on_the_terminal_and_in_the_log_of_the_card(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    card = tmp_path / "card"
    (card / "models").mkdir(parents=True)
    lines = "panel: audio\naudio_panel:\n  device: no such card\ncard: %s\n" % card
    config.write_text(lines, "utf-8")
    command = [sys.executable, "-m", "neurorave_device.cli", "run", "--config", str(config)]
    command += ["--bundle", TOY, "--audio", "null", "--port", "0", "--seconds", "3"]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "with the jacks" in line]
    assert len(said) == 1 and said[0].startswith("neurorave: The sound card 'no such card' ")
    assert said[0][len("neurorave: ") :] in (card / "logs" / "neurorave.log").read_text("utf-8")
