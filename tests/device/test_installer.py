"""The installer on a board on paper: what it does, that it does it once, and that nothing half done is left."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest

from neurorave_device.installer import __main__ as command
from neurorave_device.installer import install as installing
from neurorave_device.installer.install import Options, install, uninstall
from neurorave_device.installer.pins import all_zeros
from neurorave_device.installer.steps import Release
from neurorave_device.installer.system import Failed, Refused, System
from neurorave_device.machine import places
from neurorave_device.update.commands import KEY, VERSIONS
from tests.device.fake_board import BOOT, ORIN, FakeBoard

ROOT = Path(__file__).resolve().parent.parent.parent
OLD, NEW = (3, 6), (3, 10)
UNITS = "/etc/systemd/system/neurorave.service"


class Bench:
    """A board, a release, and what the installer said."""

    def __init__(self, folder: Path, monkeypatch: Any, release: Optional[str] = None) -> None:
        self.board = FakeBoard(folder) if release is None else FakeBoard(folder, release)
        monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % self.board.programs)
        place = folder / "release"
        (place / "models" / "toy").mkdir(parents=True)
        (place / "models" / "toy" / "bundle.yaml").write_text("schema: 1\n")
        (place / "systemd").mkdir()
        for path in (ROOT / "systemd").iterdir():
            (place / "systemd" / path.name).write_bytes(path.read_bytes())
        self.wheel = place / "neurorave-0.1.0-py3-none-any.whl"
        self.wheel.write_bytes(b"a wheel")
        self.said: List[str] = []
        self.options = Options(Release(str(place), str(self.wheel), "0.1.0"))

    def system(self, rehearsal: bool = False) -> System:
        return System(str(self.board.root), rehearsal, self.said.append)

    def install(self, python: Tuple[int, int] = OLD, **changes: Any) -> List[str]:
        install(self.system(), self.options._replace(**changes), python)
        return self.board.calls()

    def text(self, path: str) -> str:
        return (self.board.root / path.lstrip("/")).read_text()

    def exists(self, path: str) -> bool:
        return (self.board.root / path.lstrip("/")).exists()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: Any) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_a_fresh_nano_gets_everything_and_is_told_to_start_anew(bench: Bench) -> None:
    calls = bench.install()
    place = str(bench.board.root / "opt" / "neurorave" / "versions" / "0.1.0")
    for expected in (
        "groupadd --system gpio",
        "useradd --system --user-group --no-create-home --home-dir /var/lib/neurorave "
        "--shell /usr/sbin/nologin neurorave",
        "usermod --append --groups audio,gpio,i2c,spi,video neurorave",
        "python3 -m venv --system-site-packages " + place,
        "python3 -m pip install --disable-pip-version-check --upgrade pip==21.3.1 setuptools<60 wheel<0.38",
        "python3 -m pip install --disable-pip-version-check numpy==1.19.4",
        "python3 -m pip install --disable-pip-version-check --no-deps luma.oled==3.8.1 luma.core==2.3.1",
        "python3 -m pip install --disable-pip-version-check %s[panel,board,midi,update]"
        % bench.wheel,
        "python3 %s -o dtb spi1 i2s4"
        % (bench.board.root / "opt/nvidia/jetson-io/config-by-function.py"),
        "udevadm trigger",
        "modprobe spidev",
        "systemctl enable neurorave.service media-neurorave.mount",
    ):
        assert expected in calls, expected
    assert "groupadd --system audio" not in calls, "it was there"
    assert bench.text(places.CONFIG).splitlines()[1:] == [
        "panel: jetson",
        "audio: soundcard",
        "card: /media/neurorave",
    ]
    assert bench.system().target(places.CURRENT) == "/opt/neurorave/versions/0.1.0"
    assert "sudo reboot" in bench.said[-1]
    assert not any(call.startswith("systemctl restart") for call in calls)


def test_the_configuration_is_one_that_the_module_takes(bench: Bench) -> None:
    from neurorave_device.config import load_config

    bench.install()
    config = load_config(str(bench.board.root / places.CONFIG.lstrip("/")))
    assert (config.panel, config.audio, config.card) == ("jetson", "soundcard", places.CARD)


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    bench.install()
    bench.board.put("/dev/spidev0.0", "")
    files = bench.board.files()
    bench.said.clear()
    assert bench.install() == ["systemctl restart neurorave.service"]
    assert bench.board.files() == files
    assert all("nothing to do" in line for line in bench.said if line.endswith("."))


def test_before_the_new_start_the_pins_are_not_changed_again(bench: Bench) -> None:
    bench.install()
    boot = bench.text("/boot/extlinux/extlinux.conf")
    assert boot.count("FDT") == 1
    bench.install()
    assert bench.text("/boot/extlinux/extlinux.conf") == boot


def test_what_the_owner_has_set_stays(bench: Bench) -> None:
    bench.board.put(places.CONFIG, "panel: virtual\n")
    bench.install()
    assert bench.text(places.CONFIG) == "panel: virtual\n"


def test_an_orin_has_other_pins_other_packages_and_another_card(
    tmp_path: Path, monkeypatch: Any
) -> None:
    bench = Bench(tmp_path, monkeypatch, ORIN)
    bench.board.put("/proc/asound/APE", "")
    bench.board.put("/mixer", "  ; Item #0 'None'\n  ; Item #1 'ADMAIF1'\n  : values=0\n")
    calls = bench.install(NEW)
    assert any(call.endswith("-o dt 1=spi1 i2s2") for call in calls)
    assert "amixer -c APE cset name=I2S2 Mux ADMAIF1" in calls
    assert not any("pip==" in call or "numpy==" in call for call in calls)
    bench.board.put("/dev/spidev0.0", "")
    assert bench.install(NEW) == ["systemctl restart neurorave.service"]


def test_a_rehearsal_changes_nothing_and_says_all(bench: Bench) -> None:
    before = bench.board.files()
    install(bench.system(rehearsal=True), bench.options, OLD)
    assert bench.board.calls() == []
    assert bench.board.files() == before
    said = "\n".join(bench.said)
    for words in ("would run apt-get install", "would run groupadd", "would write " + UNITS):
        assert words in said


def test_uninstalling_leaves_what_was_there_before(bench: Bench) -> None:
    before = bench.board.files()
    bench.install()
    bench.board.put("/var/lib/neurorave/patch.json", "{}")
    bench.board.calls()
    uninstall(bench.system(), bench.options, purge=False)
    calls = bench.board.calls()
    assert calls.index(
        "systemctl disable --now neurorave.service media-neurorave.mount"
    ) < calls.index("userdel neurorave")
    kept = ["etc/neurorave/neurorave.yaml", "var/lib/neurorave/patch.json"]
    assert bench.board.files() == sorted(before + kept)
    assert not bench.exists(places.HOME)
    assert bench.text("/boot/extlinux/extlinux.conf") == BOOT
    uninstall(bench.system(), bench.options, purge=True)
    assert bench.board.files() == before


# Each program that can fail, in the order of the steps, with what it was called for.
FAILURES = [
    ("apt-get", "E: Unable to locate package", "install", "Packages"),
    ("groupadd", "cannot lock /etc/group", "", "user neurorave"),
    ("useradd", "cannot lock /etc/passwd", "", "user neurorave"),
    ("python3", "ensurepip is not available", "venv", "The program"),
    ("python3", "error: command gcc failed", "update]", "The program"),
    ("python3", "device tree cannot be patched", "jetson-io", "SPI and I2S"),
    ("systemctl", "Failed to enable unit", "enable", "The services"),
]


@pytest.mark.parametrize("program,says,when,title", FAILURES)
def test_where_a_step_fails_what_was_done_is_undone(
    bench: Bench, program: str, says: str, when: str, title: str
) -> None:
    before = bench.board.files()
    accounts = bench.text("/etc/passwd"), bench.text("/etc/group")
    bench.board.break_program(program, says, when)
    with pytest.raises(Failed) as caught:
        bench.install()
    assert title in str(caught.value) and says in str(caught.value)
    assert "what was done is undone" in str(caught.value) and "\n" not in str(caught.value)
    assert bench.board.files() == before
    assert bench.text("/etc/passwd") == accounts[0]
    assert bench.text("/etc/group").replace("neurorave", "") == accounts[1]
    assert bench.text("/boot/extlinux/extlinux.conf") == BOOT
    # And once it is mended it is well.
    bench.board.mend(program)
    bench.install()
    assert bench.exists(UNITS)


def test_a_new_wheel_that_cannot_be_installed_leaves_the_old_one_playing(bench: Bench) -> None:
    bench.install()
    mark = "/opt/neurorave/versions/0.1.0/bin/mark"
    bench.board.put(mark, "the old one")
    bench.wheel.write_bytes(b"another wheel")
    bench.board.break_program("python3", "error: no matching distribution", "update]")
    with pytest.raises(Failed):
        bench.install()
    assert bench.exists(mark)
    bench.board.mend("python3")
    bench.install()
    assert not bench.exists(mark)
    assert not bench.exists("/opt/neurorave/versions/0.1.0.before")


def test_the_launcher_runs_from_its_place_and_the_key_comes_with_the_release(bench: Bench) -> None:
    bench.install()
    launcher = str(bench.board.root / "opt" / "neurorave" / "launcher" / "launcher.py")
    done = subprocess.Popen([sys.executable, launcher, "--help"], stdout=subprocess.PIPE)
    output, _ = done.communicate()
    assert done.returncode == 0 and b"--factory" in output
    assert places.UPDATE_KEY == KEY and not bench.exists(KEY)
    (Path(bench.options.release.folder) / "update.pub").write_text("a key")
    bench.install()
    assert bench.text(KEY) == "a key"


def test_an_interruption_is_undone_too(bench: Bench, monkeypatch: Any) -> None:
    before = bench.board.files()

    def interrupted(step: Any, system: System) -> None:
        raise KeyboardInterrupt()

    monkeypatch.setattr(installing.Models, "do", interrupted)
    with pytest.raises(Failed, match="interrupted; what was done is undone"):
        bench.install()
    assert bench.board.files() == before


@pytest.mark.parametrize(
    "says", ["Temporary failure resolving 'ports.ubuntu.com'", "Network is unreachable"]
)
def test_without_a_network_it_says_so(bench: Bench, says: str) -> None:
    bench.board.break_program("apt-get", says)
    with pytest.raises(Failed, match=r"there is no network.*--wheels"):
        bench.install()


def test_packages_of_python_can_come_from_a_folder(bench: Bench) -> None:
    release = bench.options.release._replace(wheels="/media/usb/wheels")
    calls = bench.install(release=release)
    pips = [call for call in calls if "-m pip" in call]
    assert len(pips) == 4
    assert all("--no-index --find-links /media/usb/wheels" in call for call in pips)


@pytest.mark.parametrize(
    "release,python,words",
    [
        ("# R32 (release), REVISION: 6.1", OLD, "L4T 32.6.1, allowed is JetPack 4.6.1"),
        ("# R35 (release), REVISION: 4.1", OLD, "L4T 35.4.1"),
        ("", OLD, "no board with JetPack"),
        ("# R32 (release), REVISION: 7.1", (3, 8), "3.8, but TensorRT of JetPack 4.6 is for 3.6"),
    ],
)
def test_a_wrong_board_is_refused_before_anything_is_changed(
    bench: Bench, release: str, python: Tuple[int, int], words: str
) -> None:
    bench.board.put("/etc/nv_tegra_release", release)
    before = bench.board.files()
    with pytest.raises(Refused) as caught:
        bench.install(python)
    assert words in str(caught.value)
    assert bench.board.calls() == [] and bench.board.files() == before


def test_in_a_folder_that_becomes_an_image_nothing_is_started(
    tmp_path: Path, monkeypatch: Any
) -> None:
    bench = Bench(tmp_path, monkeypatch, ORIN)
    bench.board.put("/dev/spidev0.0", "")
    (bench.board.root / "run/systemd/system/x").unlink()
    (bench.board.root / "run/systemd/system").rmdir()
    calls = bench.install(NEW)
    assert [call.split()[1] for call in calls if call.startswith("systemctl")] == ["enable"]
    assert "plays by itself" in bench.said[-1]


def test_another_linux_is_served_where_it_is_wanted(bench: Bench) -> None:
    bench.board.put("/etc/nv_tegra_release", "")
    calls = bench.install(NEW, any_system=True)
    assert not any("jetson-io" in call for call in calls)
    assert calls[-1] == "systemctl restart neurorave.service"


def test_no_spi_and_no_tool_for_it_is_one_sentence(bench: Bench) -> None:
    (bench.board.root / "opt/nvidia/jetson-io/config-by-function.py").unlink()
    with pytest.raises(Failed, match=r"there is no SPI .*jetson-io.* is missing"):
        bench.install()
    bench.install(pins=False)


def test_a_converter_that_reads_zeros_is_told_of(bench: Bench, monkeypatch: Any) -> None:
    bench.board.put("/dev/spidev0.0", "")
    bench.install()
    assert not any("reads zeros" in line for line in bench.said)
    monkeypatch.setattr(installing, "all_zeros", lambda system, python: True)
    bench.install()
    assert any("reads zeros on all channels" in line for line in bench.said)


@pytest.mark.parametrize("says,zeros", [("0", True), ("8000", False), ("Traceback", False)])
def test_zeros_are_what_the_installed_program_reads(
    bench: Bench, tmp_path: Path, says: str, zeros: bool
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho %s\n" % says)
    python.chmod(0o755)
    assert not all_zeros(bench.system(), str(python)), "without SPI nothing is read"
    bench.board.put("/dev/spidev0.0", "")
    assert all_zeros(bench.system(), str(python)) is zeros


def test_a_full_disk_is_refused(bench: Bench, monkeypatch: Any) -> None:
    class Disk:
        free = 5000000

    monkeypatch.setattr(installing.shutil, "disk_usage", lambda path: Disk)
    with pytest.raises(Refused, match="5 MB are free, 1073 are needed"):
        bench.install()


def test_a_card_is_made_of_an_empty_partition_only(bench: Bench) -> None:
    calls = bench.install(card="/dev/sda1")
    assert "mkfs.vfat -F 32 -n NEURORAVE /dev/sda1" in calls
    assert not any(call.startswith("mkfs") for call in bench.install(card="/dev/sda1"))
    bench.board.put("/blkid", "PHOTOS\n")
    with pytest.raises(Refused, match=r"holds a file system already .PHOTOS."):
        bench.install(card="/dev/sda1")
    with pytest.raises(Refused, match="allowed is a partition"):
        bench.install(card="/dev/sda")
    bench.board.put("/proc/mounts", "/dev/sda1 /media/x vfat rw 0 0\n")
    with pytest.raises(Refused, match="in use at /media/x"):
        bench.install(card="/dev/sda1")


def test_the_command_says_what_is_wrong_in_one_sentence(
    bench: Bench, capsys: Any, tmp_path: Path
) -> None:
    root = str(bench.board.root)
    bench.board.put("/etc/nv_tegra_release", "")
    source = bench.options.release.folder
    assert command.main(["--root", root, "--source", source]) == 2
    assert "no board with JetPack" in capsys.readouterr().err
    assert command.main(["--root", root, "--source", str(tmp_path), "--any-system"]) == 2
    assert "wheel" in capsys.readouterr().err
    bench.board.break_program("apt-get", "E: broken")
    assert command.main(["--root", root, "--source", source, "--any-system"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_units_and_installer_mean_the_same_places() -> None:
    unit = (ROOT / "systemd" / "neurorave.service").read_text()
    start = unit[unit.index("ExecStart=") :].replace("\\\n", "").split("\n")[0].split()
    assert start[1] == places.LAUNCHER + "/launcher.py"
    assert start[start.index("--factory") + 1] == places.CURRENT
    assert start[start.index("--settings") + 1] == places.CARD + "/settings"
    assert start[start.index("--updates") + 1] == places.CARD + "/updates"
    assert start[start.index("--versions") + 1] == VERSIONS
    assert start[start.index("--") + 1 :] == ["run", "--config", places.CONFIG]
    assert "User=%s\n" % places.USER in unit and "HOME=%s " % places.STATE in unit
    assert "SupplementaryGroups=%s\n" % " ".join(places.GROUPS) in unit.replace(
        "audio gpio spi i2c video", "audio gpio i2c spi video"
    )
    mount = (ROOT / "systemd" / "media-neurorave.mount").read_text()
    assert "What=/dev/disk/by-label/%s\n" % places.LABEL in mount
    assert "Where=%s\n" % places.CARD in mount


def test_it_runs_out_of_a_wheel_with_nothing_but_the_standard_library(tmp_path: Path) -> None:
    wheel = tmp_path / "neurorave-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(str(wheel), "w") as bundle:
        for path in sorted((ROOT / "neurorave_device").rglob("*.py")):
            bundle.write(str(path), str(path.relative_to(ROOT)))
    (tmp_path / "install").write_bytes((ROOT / "systemd" / "install").read_bytes())
    # -S and -I leave installed packages out of the search; the script sets PYTHONPATH, so the same is done by hand.
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from neurorave_device.installer.__main__ import main; main(['--help'])"
    )
    done = subprocess.Popen(
        [sys.executable, "-S", "-I", "-c", script, str(wheel)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = done.communicate()
    assert done.returncode == 0 and b"--dry-run" in output, output
    done = subprocess.Popen(
        ["sh", str(tmp_path / "install"), "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = done.communicate()
    assert done.returncode == 0 and b"--uninstall" in output, output
