"""The guest's card as it fares on a stage: it gets bundles, it is full, its kernel takes it for read-only."""

import glob
import os
import shutil
import subprocess

from tests.vm.guest.bench import write

PLACE = "/media/neurorave"
_MODELS = os.path.join(PLACE, "models")
_FILLER = os.path.join(PLACE, "holiday.mov")
_TOY = "/tree/tests/data/toy_bundle"
_PIECE = bytes(1 << 20)


def copy_bundle(name: str, lacking: str = "") -> None:
    """Copy a bundle onto the card, with all of its files but one."""
    os.mkdir(os.path.join(_MODELS, name))
    for file in sorted(os.listdir(_TOY)):
        if file != lacking:
            # As a program for files does: the contents, and times that FAT rounds.
            shutil.copy(os.path.join(_TOY, file), os.path.join(_MODELS, name, file))


def fill() -> None:
    """Write until nothing more fits."""
    descriptor = os.open(_FILLER, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, _PIECE)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def refuse_writes() -> None:
    """Make room; then let the kernel take it for read-only, open files or not, as after an error of the medium."""
    os.remove(_FILLER)
    write("/proc/sysrq-trigger", "u")


def pull() -> None:
    """Take it out while files on it are open. Letting go of the mount is then systemd's (LazyUnmount)."""
    # .../pci0000:00/0000:00:04.0/virtio1/block/vdb
    slot = os.path.join(os.path.realpath(_disk()), "../../..")
    write(os.path.join(slot, "remove"), "1")
    subprocess.run(["umount", "-l", PLACE], check=True)


def put_in() -> None:
    """Put it in again, and mount it as at first."""
    write("/sys/bus/pci/rescan", "1")
    mount()


def mount() -> None:
    """Mount it as systemd does on a board."""
    with open("/card-options", encoding="ascii") as file:
        options = file.read()
    device = "/dev/" + os.path.basename(_disk())
    subprocess.run(["mount", "-t", "vfat", "-o", options, device, PLACE], check=True)


def _disk() -> str:
    """Return the card's folder in sysfs; it has another name each time."""
    (disk,) = glob.glob("/sys/block/vd[b-z]")
    return disk
