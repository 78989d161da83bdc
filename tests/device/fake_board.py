"""A board on paper for the installer: a root folder, and programs that write down how they were called."""

import os
import stat
from pathlib import Path
from typing import List

# Each gets its own name and what it is to do after having written its call down; $ROOT is the board's root folder.
PROGRAMS = {
    "apt-get": 'case "$1" in install) shift; for name in "$@"; do echo "$name" >> "$ROOT/installed"; done ;; '
    'remove) rm -f "$ROOT/installed" ;; esac',
    "dpkg-query": 'while read -r name; do echo "$name install ok installed"; done < "$ROOT/installed"; false',
    "groupadd": 'for name in "$@"; do :; done; echo "$name:x:1:" >> "$ROOT/etc/group"',
    "groupdel": 'grep -v "^$1:" "$ROOT/etc/group" > "$ROOT/etc/g"; mv "$ROOT/etc/g" "$ROOT/etc/group"',
    "useradd": 'echo "neurorave:x:1:1::/:/x" >> "$ROOT/etc/passwd"',
    "userdel": 'grep -v "^neurorave:" "$ROOT/etc/passwd" > "$ROOT/etc/p"; mv "$ROOT/etc/p" "$ROOT/etc/passwd"',
    "usermod": 'sed -i -E "s/^((audio|gpio|i2c|spi|video):x:1:).*/\\1neurorave/" "$ROOT/etc/group"',
    "python3": 'if [ "$2" = venv ]; then mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; cp "$0" "$4/bin/neurorave"; '
    'elif [ -f "$1" ]; then exec sh "$@"; fi',
    "udevadm": "",
    "modprobe": "",
    "systemctl": "",
    "amixer": 'test "$3" = cget && cat "$ROOT/mixer"; '
    'test "$3" = cset && sed -i "s/: values=.*/: values=1/" "$ROOT/mixer"; true',
    "alsactl": "",
    "blkid": 'cat "$ROOT/blkid" 2>/dev/null',
    "mkfs.vfat": 'echo NEURORAVE > "$ROOT/blkid"',
}
NANO = "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref"
ORIN = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic"
BOOT = "LABEL primary\n      LINUX /boot/Image\n"
JETSON_IO = "/opt/nvidia/jetson-io/config-by-function.py"


class FakeBoard:
    """The root folder and the programs; `break_program` lets one fail."""

    def __init__(self, folder: Path, release: str = NANO) -> None:
        self.root = folder / "root"
        self.programs = folder / "programs"
        self._log = folder / "calls"
        self.programs.mkdir(parents=True)
        for path, text in (
            ("etc/nv_tegra_release", release),
            ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
            ("etc/group", "root:x:0:\naudio:x:1:\nvideo:x:1:\n"),
            ("boot/extlinux/extlinux.conf", BOOT),
            # jetson-io, which the fake python3 lets sh run.
            (
                JETSON_IO[1:],
                'echo "      FDT /boot/custom.dtb" >> "$ROOT/boot/extlinux/extlinux.conf"\n',
            ),
            ("dev/null", ""),
            ("run/systemd/system/x", ""),
            ("proc/mounts", "/dev/mmcblk0p1 / ext4 rw 0 0\n"),
            ("sys/class/block/sda1/partition", "1"),
        ):
            self.put(path, text)
        (self.root / JETSON_IO[1:]).chmod(0o755)
        for name in PROGRAMS:
            self.mend(name)

    def put(self, path: str, text: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def mend(self, name: str) -> None:
        """Let a program do what it should."""
        self._program(name, PROGRAMS[name])

    def break_program(self, name: str, says: str, when: str = "") -> None:
        """Let a program say something and fail, where its arguments have the word ``when``."""
        body = 'case "$*" in *"%s"*) echo "%s" >&2; exit 1 ;; esac; %s'
        self._program(name, body % (when, says, PROGRAMS[name]))

    def _program(self, name: str, body: str) -> None:
        path = self.programs / name
        text = '#!/bin/sh\nROOT="%s"\nexport ROOT\nprintf "%%s\\n" "%s $*" >> "%s"\n%s\n'
        path.write_text(text % (self.root, name, self._log, body))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self) -> List[str]:
        """Return the calls since the last time, without those that only ask."""
        try:
            lines = self._log.read_text().splitlines()
        except OSError:
            return []
        self._log.write_text("")
        asking = ("dpkg-query", "blkid", "amixer -c APE cget", "amixer -c tegrasndt210ref cget")
        return [line for line in lines if not line.startswith(asking)]

    def files(self) -> List[str]:
        """Return all that is below the root, but for what apt has noted."""
        found = []
        for folder, folders, names in os.walk(str(self.root)):
            for name in names + folders:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isdir(path):
                    found.append(os.path.relpath(path, str(self.root)))
        return sorted(path for path in found if path not in ("installed", "mixer"))
