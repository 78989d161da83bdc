"""The card: one partition that holds the bundles, what is remembered, logs and updates, and that any computer can read.

FAT knows no links, owners or exact times, and can be pulled at any moment. What is on the card is used where it is
there; without it the module plays what is on the board.
"""

import errno
import glob
import os
from typing import List, NamedTuple, Optional, Tuple

from neurorave_device.machine.places import LABEL
from neurorave_device.storage.safe_file import make_folder, reason

MODELS = "models"
SETTINGS = "settings"
LOGS = "logs"
UPDATES = "updates"
FOLDERS = (MODELS, SETTINGS, LOGS, UPDATES)
# A bundle has some 5 MB, its plans some ten times that.
LOW_BYTES = 64 << 20
# A patch, the one before it and the one that is being written, with FAT's blocks of 32 KiB.
FULL_BYTES = 256 << 10

# udev's notes on block devices, and the names of those.
_UDEV = "/run/udev/data"
_DEVICES = "/sys/dev/block"


class CardState(NamedTuple):
    """How the card is: `there`, `writable`, `free` bytes (None: unknown) and a `sentence` where something is wrong."""

    there: bool
    writable: bool
    free: Optional[int]
    sentence: str


def folder(card: str, name: str) -> str:
    """Return one of the card's folders."""
    return os.path.join(card, name)


def is_there(card: str) -> bool:
    """Say whether a card is in its place: the mount point alone is an empty folder."""
    return os.path.ismount(card) or os.path.isdir(folder(card, MODELS))


def look(card: str, udev: str = _UDEV, devices: str = _DEVICES) -> CardState:
    """Return how the card is now; raises nothing. Not a real-time thread: a card that dies answers late."""
    if not is_there(card):
        sentence = "The card at %s is not there: what is on the board plays, and its bundles cannot be chosen."
        return CardState(False, False, None, sentence % card)
    try:
        os.listdir(card)
        status = os.statvfs(card)
    except OSError as error:
        sentence = "The card at %s cannot be read (%s): take it out and put it in again."
        return CardState(True, False, None, sentence % (card, reason(error)))
    # Some file systems do not tell their size.
    free = status.f_bavail * status.f_frsize if status.f_blocks else None
    if status.f_flag & os.ST_RDONLY or not os.access(card, os.W_OK):
        sentence = (
            "The card at %s is read-only, so nothing is remembered: check its lock slider, or have a computer "
            "repair it."
        )
        return CardState(True, False, free, sentence % card)
    others = labelled(udev, devices)
    if len(others) > 1:
        sentence = "There are %d cards called %s (%s), one of them is at %s: take the others out."
        text = sentence % (len(others), LABEL, ", ".join(others), card)
        return CardState(True, True, free, text)
    return CardState(True, True, free, _space(card, free))


def prepare(card: str) -> str:
    """Make the card's folders, and return a sentence where that is not possible."""
    try:
        for name in FOLDERS:
            make_folder(folder(card, name))
    except OSError as error:
        if error.errno == errno.EROFS:
            # Said by `look`.
            return ""
        return "The card at %s cannot be written to (%s)." % (card, reason(error))
    return ""


def labelled(udev: str = _UDEV, devices: str = _DEVICES) -> List[str]:
    """Return the partitions that are called LABEL, as udev has noted them."""
    found = []
    for path in glob.glob(os.path.join(udev, "b*:*")):
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                lines = handle.read().splitlines()
        except OSError:
            continue
        if "E:ID_FS_LABEL=" + LABEL in lines:
            number = os.path.basename(path)[1:]
            name = os.path.basename(os.path.realpath(os.path.join(devices, number)))
            found.append("/dev/" + name if name != number else number)
    return sorted(found)


def home(card: Optional[str], state: Optional[str]) -> Tuple[Optional[str], List[str]]:
    """Return the state folder to use (None: the usual one) and sentences for the player.

    What is given wins over the card; the card, where it is there and can be written to, over the usual folder.
    """
    if card is None:
        return state, []
    found = look(card)
    sentences = [found.sentence.rstrip(".")] if found.sentence else []
    if found.writable:
        fault = prepare(card)
        sentences += [fault.rstrip(".")] if fault else []
    return settings_folder(card, state), sentences


def settings_folder(card: Optional[str], state: Optional[str]) -> Optional[str]:
    """Return the state folder to use, None for the usual one; changes nothing."""
    if state is None and card is not None and os.path.isdir(folder(card, SETTINGS)):
        return folder(card, SETTINGS)
    return state


def _space(card: str, free: Optional[int]) -> str:
    if free is None:
        return ""
    if free < FULL_BYTES:
        return (
            "The card at %s is full, so nothing more is remembered: remove bundles or logs." % card
        )
    if free < LOW_BYTES:
        text = "The card at %s has only %d MB left: remove bundles or logs before it is full."
        return text % (card, free // 1000000)
    return ""
