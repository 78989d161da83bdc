"""The card on a real FAT file system, mounted by a program (fusefat) where the kernel's own driver may be missing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from neurorave_device.config import Config
from neurorave_device.doctor.support import write_support_bundle
from neurorave_device.face_process.catalogue import Catalogue
from neurorave_device.storage.card import look, prepare
from neurorave_device.storage.card_log import drop_log, keep_log, logger
from neurorave_device.storage.patch import default_patch, patch_file, to_payload
from neurorave_device.storage.place import lock
from neurorave_device.storage.presets import Presets
from tests.device.test_support import RESULTS, Paperwork
from tests.device.toy import copy_toy

_MEGABYTES = 40


class Fat:
    """An image with a FAT file system, and the folder where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.image, self.place = str(folder / "card.img"), str(folder / "card")
        os.mkdir(self.place)
        with open(self.image, "wb") as handle:
            handle.truncate(_MEGABYTES << 20)
        run("mkfs.vfat", "-F", "32", "-n", "NEURORAVE", self.image)
        self.mount()

    def mount(self) -> None:
        run("fusefat", "-o", "rw+", self.image, self.place)

    def unmount(self, *options: str) -> None:
        if os.path.ismount(self.place):
            program = "fusermount3" if shutil.which("fusermount3") else "fusermount"
            run(program, "-u", *(options + (self.place,)))


def run(*command: str) -> None:
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = done.communicate()
    assert done.returncode == 0, (command, output)


@pytest.fixture
def fat(tmp_path: Path, monkeypatch: Any) -> Iterator[Fat]:
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    lacking = [name for name in ("fusefat", "mkfs.vfat", "fsck.vfat") if not shutil.which(name)]
    if lacking or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("no FAT can be mounted here: %s" % (", ".join(lacking) or "no /dev/fuse"))
    made = Fat(tmp_path)
    yield made
    # A test that failed may have files open.
    made.unmount("-z")


def test_all_that_is_kept_on_a_card_can_be_kept_on_fat(fat: Fat, tmp_path: Path) -> None:
    card = fat.place
    assert prepare(card) == ""
    state = look(card, udev="/no/such")
    assert state.there and state.writable and state.sentence == ""
    settings = os.path.join(card, "settings")
    held = lock(settings)
    assert held is not None and lock(settings) is None
    for number in range(3):
        saved = default_patch()._replace(bundle="bundle %d" % number)
        assert patch_file(settings).save(to_payload(saved)) == ""
    presets = Presets(settings)
    presets.save("Ärger & Freude: 1/2", default_patch())
    presets.rename("Ärger & Freude: 1/2", "neu?")
    # Without times, which this driver cannot set.
    run("cp", "-r", copy_toy(tmp_path), os.path.join(card, "models", "mine"))
    handler = keep_log(card)
    for _ in range(300):
        logger().info("x" * 1000)
    drop_log(handler)
    write_support_bundle(
        os.path.join(settings, "support.zip"), Config(), results=RESULTS, machine=Paperwork()
    )
    held.release()
    fat.unmount()
    run("fsck.vfat", "-n", fat.image)
    fat.mount()
    assert (patch_file(settings).load().payload or {})["bundle"] == "bundle 2"
    assert presets.shelf().names == ("neu?",) and presets.shelf().faults == ()
    catalogue = Catalogue(str(tmp_path / "nothing" / "x"), card)
    assert [(row.name, row.fault) for row in catalogue.rows()] == [("mine", "")]
    assert sorted(os.listdir(os.path.join(card, "logs"))) == ["neurorave.log", "neurorave.log.1"]
