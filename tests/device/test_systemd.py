"""The units: what systemd says of them, and that they hold nothing that the systemd of JetPack 4.6 does not know."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".service", ".mount"))
PROGRAMS = (
    "opt/neurorave/current/bin/neurorave",
    "usr/bin/python3",
    "bin/systemctl",
    "usr/sbin/nvpmodel",
    "usr/bin/jetson_clocks",
)
# What `systemd-analyze security` said when docs/install.md was written: more would be a loss.
EXPOSURE = 2.7
# The keys that are used, each looked up in the manual pages of systemd 237, with the version that brought it.
KNOWN: Dict[str, Dict[str, int]] = {
    "Unit": {
        "Description": 1,
        "Wants": 1,
        "After": 1,
        "Before": 1,
        "Conflicts": 1,
        "ConditionPathExists": 1,
        "StartLimitIntervalSec": 230,
    },
    "Service": {
        "Type": 1,
        "NotifyAccess": 1,
        "TimeoutStartSec": 188,
        "TimeoutStopSec": 188,
        "WatchdogSec": 36,
        "Restart": 1,
        "RestartSec": 1,
        "RemainAfterExit": 1,
        "KillMode": 1,
        "ExecStart": 1,
        "ExecStop": 1,
        "ExecStopPost": 1,
        "User": 1,
        "Group": 1,
        "SupplementaryGroups": 1,
        "UMask": 1,
        "StateDirectory": 235,
        "CacheDirectory": 235,
        "RuntimeDirectory": 211,
        "WorkingDirectory": 1,
        "Environment": 1,
        "Nice": 1,
        "CPUAffinity": 1,
        "LimitRTPRIO": 1,
        "LimitMEMLOCK": 1,
        "LimitNOFILE": 1,
        "OOMScoreAdjust": 1,
        "IOSchedulingClass": 1,
        "IOSchedulingPriority": 1,
        "NoNewPrivileges": 187,
        "CapabilityBoundingSet": 1,
        "ProtectSystem": 214,
        "ReadWritePaths": 231,
        "ProtectHome": 214,
        "PrivateTmp": 1,
        "ProtectKernelTunables": 232,
        "ProtectKernelModules": 232,
        "ProtectControlGroups": 232,
        "RestrictNamespaces": 233,
        "RestrictAddressFamilies": 211,
        "RestrictRealtime": 231,
        "IPAddressDeny": 235,
        "IPAddressAllow": 235,
        "LockPersonality": 235,
        "KeyringMode": 235,
        "RemoveIPC": 232,
        "SystemCallArchitectures": 209,
        "SystemCallFilter": 187,
        "SystemCallErrorNumber": 209,
    },
    "Mount": {
        "What": 1,
        "Where": 1,
        "Type": 1,
        "Options": 1,
        "LazyUnmount": 232,
        "TimeoutSec": 1,
    },
    "Install": {"WantedBy": 1},
}
# Those of systemd 237; @system-service, @aio and @sync came later.
CALL_SETS = set(
    "@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap".split()
)


def settings(unit: str) -> List[Tuple[str, str, str]]:
    """Return (section, key, value) of each line of a unit."""
    section, found = "", []
    text = (FOLDER / unit).read_text("utf-8").replace("\\\n", "")
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        reason = "no systemd-analyze here (the package systemd)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    version = subprocess.check_output([found, "--version"]).decode().split()[1]
    if int(re.sub(r"\D.*", "", version)) < 250:
        pytest.skip("systemd %s cannot look below another root" % version)
    return str(found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder with the units and what they start."""
    place = tmp_path / "etc" / "systemd" / "system"
    place.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(str(FOLDER / unit), str(place))
    for program in PROGRAMS:
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    # Those of the system that ours refer to, which are not what is looked at.
    targets = tmp_path / "usr" / "lib" / "systemd" / "system"
    targets.mkdir(parents=True)
    for name in "sysinit basic shutdown umount local-fs sound multi-user".split():
        (targets / (name + ".target")).write_text("[Unit]\nDescription=%s\n" % name)
    return tmp_path


def verify(analyze: str, root: Path, unit: str) -> Tuple[int, str]:
    command = [analyze, "verify", "--man=no", "--root=%s" % root, unit]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = done.communicate()
    return done.returncode, output.decode("utf-8", "replace")


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_against_a_unit(analyze: str, root: Path, unit: str) -> None:
    assert verify(analyze, root, unit) == (0, "")


def test_it_would_say_what_is_wrong(analyze: str, root: Path) -> None:
    path = root / "etc" / "systemd" / "system" / "neurorave.service"
    path.write_text(path.read_text().replace("WatchdogSec=20", "WatchdogSec=soon\nWatchdogs=2"))
    _, output = verify(analyze, root, "neurorave.service")
    assert "Failed to parse" in output and "Unknown key 'Watchdogs'" in output


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_has_no_key_that_systemd_237_does_not_know(unit: str) -> None:
    for section, key, value in settings(unit):
        assert KNOWN[section].get(key, 999) <= 237, "%s: %s" % (unit, key)
        if key == "SystemCallFilter":
            assert set(value.lstrip("~").split()) <= CALL_SETS


def test_no_key_is_allowed_that_is_not_used() -> None:
    used = {(section, key) for unit in UNITS for section, key, _ in settings(unit)}
    assert used == {(section, key) for section, keys in KNOWN.items() for key in keys}


@pytest.mark.parametrize("unit", ["neurorave.service", "neurorave-plan.service"])
def test_a_unit_is_as_closed_as_the_document_says(analyze: str, root: Path, unit: str) -> None:
    command = [analyze, "security", "--offline=true", "--no-pager", "--root=%s" % root, unit]
    output = subprocess.check_output(command, stderr=subprocess.STDOUT).decode("utf-8")
    match = re.search(r"Overall exposure level for %s: ([0-9.]+)" % re.escape(unit), output)
    assert match is not None and float(match.group(1)) <= EXPOSURE


def test_the_module_has_what_its_threads_and_its_watchdog_need() -> None:
    from neurorave_device.launch.supervisor import HUNG_SECONDS
    from neurorave_device.processes.realtime import OUTPUT_PRIORITY

    found = {key: value for _, key, value in settings("neurorave.service")}
    assert found["Type"] == "notify" and found["Restart"] == "always"
    assert int(found["LimitRTPRIO"]) > OUTPUT_PRIORITY
    # First the supervisor tries; what it starts again needs seconds on a small board.
    assert int(found["WatchdogSec"]) > 2 * HUNG_SECONDS
    assert "CPUSchedulingPolicy" not in found and not found["CPUAffinity"].startswith("0")


def test_plans_are_never_built_beside_the_sound() -> None:
    found = {key: value for _, key, value in settings("neurorave-plan.service")}
    assert found["Conflicts"] == "neurorave.service"
    assert "start neurorave.service" in found["ExecStopPost"]
    assert not any(key == "WantedBy" for _, key, _ in settings("neurorave-plan.service"))


def test_the_rules_give_the_devices_to_groups_that_the_module_is_in() -> None:
    groups = {
        group
        for _, key, value in settings("neurorave.service")
        if key == "SupplementaryGroups"
        for group in value.split()
    }
    rules = [
        line
        for line in (FOLDER / "99-neurorave.rules").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    term = re.compile(r'^[A-Z_]+(\{[A-Za-z_]+\})?(==|\+=|=)"[^"]*"$')
    given = set()
    for rule in rules:
        terms = rule.split(", ")
        assert all(term.match(part) for part in terms), rule
        given |= {part.split('"')[1] for part in terms if part.startswith("GROUP=")}
    assert given == groups - {"video"}
    for device in ("gpiochip", "spidev", "i2c-", "cpu_dma_latency"):
        assert any(device in rule and 'MODE="0660"' in rule for rule in rules), device
