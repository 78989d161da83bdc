"""What the module did with a card on the kernel's own vfat: bundles dropped in, a full card, a read-only one."""

import subprocess

import numpy as np
import pytest

from neurorave_device.face_process.catalogue import LOOK_SECONDS
from neurorave_device.parameters import default_values
from tests.vm.records import Records
from tests.vm.test_devices import LONGEST

# The requirement; half of it is the catalogue's.
SOON = 5.0


def test_a_bundle_that_is_copied_onto_the_card_is_offered_soon(records: Records) -> None:
    begun, (copied,) = records.step("card: bundles"), records.times("copied")
    for name, fault in (("mine", False), ("torn", True)):
        offers = [
            (when, row)
            for when, rows in records.offered
            for row in rows
            if row["name"] == name and bool(row["fault"]) == fault
        ]
        assert offers and begun < offers[0][0] < copied + SOON
    # What cannot be played says why.
    ((_, row), *_) = offers
    assert row["fault"].endswith("torn/decoder.onnx: the decoder is missing; was it copied wholly?")
    assert LOOK_SECONDS < SOON


@pytest.mark.parametrize(
    "what, sentences",
    [
        ("full", ("is full, so nothing more is remembered", "No space left on device")),
        ("read-only", ("is read-only, so nothing is remembered",)),
        ("pulled", ("is not there: what is on the board plays",)),
    ],
)
def test_what_becomes_of_the_card_is_said(
    what: str, sentences: tuple[str, ...], records: Records
) -> None:
    begun, (told,) = records.step("card: " + what), records.times("told", what)
    said = [row for row in records.rows if row.what == "said" and begun < row.time <= told]
    lines = [str(row.value) for row in said]
    for sentence in sentences:
        assert sum(sentence in line for line in lines) == 1, lines


def test_the_sound_goes_on_whatever_becomes_of_the_card(records: Records) -> None:
    gates = records.times("gate beside the card")
    hits = records.hits()
    heard = [np.any((hits > gate) & (hits < gate + LONGEST)) for gate in gates]
    assert len(gates) > 50 and all(heard)
    last = records.heard[-1][1]
    assert (last["late"], last["underruns"]) == (0, 0)
    assert records.value("status") == 0


def test_what_was_set_meanwhile_is_on_the_card_at_the_end(records: Records) -> None:
    assert records.kept().values["level"] < default_values()["level"]
    assert "The CV inputs on /dev/spidev0.0" in records.card_log()
    # And a computer finds nothing to repair.
    checking = ["/sbin/fsck.vfat", "-n", str(records.card_image())]
    checked = subprocess.run(checking, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert checked.returncode == 0, checked.stdout.decode()
