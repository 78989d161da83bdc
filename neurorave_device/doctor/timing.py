"""Checks of what keeps the sound in time: priorities, memory, clocks, heat, the sound card."""

from typing import List

from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import FAIL, OK, WARN, Result, one_line
from neurorave_device.machine.thermal import BELOW_TRIP
from neurorave_device.processes.realtime import (
    CPU_LATENCY,
    INPUTS_PRIORITY,
    OUTPUT_PRIORITY,
    SYNTHESIS_PRIORITY,
)

_FREQUENCIES = "/sys/devices/system/cpu/cpu*/cpufreq"
# Linux slows down what makes heat through these; fans are among them and slow nothing.
_COOLING = "/sys/class/thermal/cooling_device*"
_FANS = ("fan", "pwm-fan", "pwm_fan")
# Boards with Orin count here how often the supply was asked for more than it gives.
_OVERCURRENT = "/sys/class/hwmon/hwmon*/oc*_event_cnt"
# No build of this program is older.
_FIRST_YEAR = 2024


def timing(machine: Machine) -> List[Result]:
    """Check all of it."""
    checks = (
        _sound_cards,
        _realtime,
        _locked_memory,
        _awake,
        _frequency,
        _throttling,
        _thermal,
        _shared_memory,
        _date,
    )
    return [check(machine) for check in checks]


def _sound_cards(machine: Machine) -> Result:
    hint = "the browser panel has its own sound"
    try:
        found = machine.sound_cards()
    except Exception as error:
        text = "none to be had (%s): install libportaudio2 for --audio soundcard; %s."
        return Result("soundcard", WARN, text % (one_line(error), hint))
    if not found:
        text = "PortAudio finds no output: --audio soundcard will not work; %s." % hint
        return Result("soundcard", WARN, text)
    named = ["%s (%s%d Hz)" % (row.name, "default, " * row.default, row.rate) for row in found]
    return Result("soundcard", OK, ", ".join(named))


def _realtime(machine: Machine) -> Result:
    levels = (
        ("output", OUTPUT_PRIORITY),
        ("inputs", INPUTS_PRIORITY),
        ("synthesis", SYNTHESIS_PRIORITY),
    )
    barred = [row for row in levels if not _permitted(machine, row[1])]
    if not barred:
        named = ", ".join("%s %d" % row for row in levels)
        return Result("realtime", OK, "permitted: %s" % named)
    what = "not permitted"
    if len(barred) < len(levels):
        what += " for %s" % " and ".join("%s (%d)" % row for row in barred)
    if machine.realtime_limit() >= OUTPUT_PRIORITY:
        # The limits are not what forbids it.
        text = (
            "%s although the limits allow it, so a busy machine may cause gaps: the kernel gives this control "
            "group no real time (RT_GROUP_SCHED), or a container forbids it."
        )
    else:
        text = (
            "%s, so a busy machine may cause gaps: add '@audio - rtprio 80' to "
            "/etc/security/limits.d/audio.conf, join the group audio, and log in again."
        )
    return Result("realtime", WARN, text % what)


def _permitted(machine: Machine, level: int) -> bool:
    try:
        machine.try_realtime(level)
    except Exception:
        return False
    return True


def _locked_memory(machine: Machine) -> Result:
    limit = machine.memory_limit()
    text = "may be locked without limit" if limit < 0 else "%d KiB may be locked" % (limit // 1024)
    # Nothing of ours is locked; CUDA's pinned buffers on some boards are.
    return Result("memlock", OK, text)


def _awake(machine: Machine) -> Result:
    if not machine.nodes(CPU_LATENCY):
        text = "this kernel has no %s: the processor may sleep between frames." % CPU_LATENCY
        return Result("awake", OK, text)
    if not machine.may_use(CPU_LATENCY):
        text = (
            "%s may not be used, so waking the processor may cause gaps: put "
            'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660" into '
            "/etc/udev/rules.d/99-neurorave.rules, join the group audio, and restart."
        )
        return Result("awake", WARN, text % CPU_LATENCY)
    return Result("awake", OK, "the processor is kept awake while neurorave plays")


def _frequency(machine: Machine) -> Result:
    """Check that the processors run at their full speed, which `jetson_clocks` sees to."""
    found = []
    for folder in machine.nodes(_FREQUENCIES):
        lowest = _number(machine, folder + "/scaling_min_freq")
        highest = _number(machine, folder + "/cpuinfo_max_freq")
        if lowest and highest:
            found.append((lowest, highest))
    if not found:
        return Result("frequency", OK, "this kernel does not scale it")
    least = min(lowest for lowest, _ in found)
    most = max(highest for _, highest in found)
    if least < most:
        text = (
            "the kernel may slow the processor down to %d of %d MHz, which a frame may meet: "
            "`systemctl start neurorave-power`, or the governor performance."
        )
        return Result("frequency", WARN, text % (least // 1000, most // 1000))
    return Result("frequency", OK, "%d MHz, always" % (most // 1000))


def _throttling(machine: Machine) -> Result:
    for path in machine.nodes(_OVERCURRENT):
        count = _number(machine, path)
        if count:
            text = "the supply was overloaded %d times, and each time the board slowed down: give it 5 V at 4 A."
            return Result("throttling", WARN, text % count)
    for folder in machine.nodes(_COOLING):
        kind = machine.text(folder + "/type") or folder
        if kind.lower() not in _FANS and _number(machine, folder + "/cur_state"):
            text = "the kernel is slowing the board down (%s): give it air, or a fan."
            return Result("throttling", WARN, text % kind)
    return Result("throttling", OK, "nothing is slowed down")


def _thermal(machine: Machine) -> Result:
    heat = machine.heat()
    if heat is None:
        text = "no thermal zone can be read: load and late frames are watched, heat is not."
        return Result("thermal", OK, text)
    where = "its passive trip point less %.0f" % BELOW_TRIP
    limit = "%.0f C, %s" % (heat.limit, where if heat.passive else "since no zone has a trip point")
    if heat.celsius > heat.limit:
        text = "%s has %.0f C, too hot (%s): the module does without something; give it air."
        return Result("thermal", WARN, text % (heat.zone, heat.celsius, limit))
    return Result("thermal", OK, "%s has %.0f C, limit %s" % (heat.zone, heat.celsius, limit))


def _shared_memory(machine: Machine) -> Result:
    from neurorave_device.link.shared import total_bytes

    free = machine.free_bytes("/dev/shm")
    if free is None:
        return Result(
            "shm", WARN, "no /dev/shm: the temporary folder takes its place, which is slower."
        )
    if free < total_bytes():
        text = "%d KiB free in /dev/shm, %d are needed: remove files there."
        return Result("shm", FAIL, text % (free // 1024, total_bytes() // 1024))
    return Result("shm", OK, "%d MiB free in /dev/shm" % (free // 1024 // 1024))


def _date(machine: Machine) -> Result:
    year = machine.year()
    if year < _FIRST_YEAR:
        text = "the clock says %d, so the times in logs are wrong; nothing that is played or kept depends on it."
        return Result("date", WARN, text % year)
    return Result("date", OK, "the clock says %d" % year)


def _number(machine: Machine, path: str) -> int:
    try:
        return int(machine.text(path))
    except ValueError:
        return 0
