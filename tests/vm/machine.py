"""Builds the guest, boots it in QEMU and unpacks what it has found: `python -m tests.vm.machine FOLDER`.

FOLDER is what `tests/vm/prepare` has filled; what was found lies in FOLDER/found afterwards.

QEMU emulates the processor, and the guest's time is the count of its instructions, one a nanosecond: however slow or
busy this machine is, the guest sees a steady one, and what it waits for costs nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.vm.image import Guest, build, requirements

MEMORY = "1536"
DISK_BYTES = 64 << 20
# Enough that it is not said to be nearly full.
CARD_BYTES = 72 << 20
_EMULATION = (
    "-accel",
    "tcg,thread=single",
    "-icount",
    "shift=0,sleep=off",
    "-cpu",
    "max",
    "-smp",
    "1",
)
_PLAIN = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio")
_KERNEL = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable init_on_alloc=0 audit=0"


def boot(folder: Path, packed: Path, seconds: float) -> int:
    """Run the guest to its end; return the status of its scenario, or raise RuntimeError where it has none."""
    (kernel,) = (folder / "kernel/boot").glob("vmlinuz-*")
    disk, card = folder / "disk", folder / "card"
    for image, size in ((disk, DISK_BYTES), (card, CARD_BYTES)):
        with open(image, "wb") as file:
            file.truncate(size)
    formatting = ["/sbin/mkfs.vfat", "-F", "32", "-s", "2", "-n", "NEURORAVE", str(card)]
    subprocess.run(formatting, check=True, stdout=subprocess.DEVNULL)
    command = ["nice", "-n", "5", "qemu-system-x86_64", "-m", MEMORY, *_EMULATION, *_PLAIN]
    command += ["-kernel", str(kernel), "-initrd", str(packed), "-append", _KERNEL]
    for image in (disk, card):
        command += ["-drive", "file=%s,format=raw,if=virtio" % image]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=seconds, check=True)
    except subprocess.TimeoutExpired:
        raise RuntimeError("the virtual machine was not done after %.0f s" % seconds) from None
    found = folder / "found"
    shutil.rmtree(found, ignore_errors=True)
    try:
        with tarfile.open(disk) as archive:
            archive.extractall(folder)
        return int((found / "status").read_text())
    except (tarfile.TarError, OSError):
        raise RuntimeError("the virtual machine ended without telling what it found") from None


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default=sys.executable, help="whose packages the guest gets")
    parser.add_argument(
        "--seconds", type=float, default=1800.0, help="longest time that it may take"
    )
    options = parser.parse_args()
    folder = options.folder.resolve()
    modules = [folder / line for line in (folder / "modules").read_text().splitlines()]
    guest = Guest(options.python, [folder / "packages"])
    build(guest, requirements(), modules, folder / "root", folder / "guest.cpio")
    return boot(folder, folder / "guest.cpio", options.seconds)


if __name__ == "__main__":
    sys.exit(main())
