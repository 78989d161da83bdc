"""The report of `neurorave bench` that an owner can send back: what was measured, and on what."""

import platform
from typing import Any, Dict, List, Tuple

from neurorave_device import __version__
from neurorave_device.doctor.machine import Machine
from neurorave_device.machine.jetpack import MODEL_FILE, RELEASE_FILE

_CPU_FILE = "/proc/cpuinfo"
_GOVERNOR_FILE = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
_FREQUENCY_FILE = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"


def report(result: Dict[str, Any], machine: Machine) -> str:
    """Return the Markdown text for what `bench.bench` has returned; nothing in it tells who or where the owner is."""
    frame, gate = result["frame_ms"], result["gate_to_sound_ms"]
    graphs = ", ".join("%s %.2f" % row for row in sorted(result["graphs_ms"].items()))
    rows: List[Tuple[str, str]] = [
        ("board", machine.text(MODEL_FILE) or "no Jetson"),
        ("system", machine.text(RELEASE_FILE).split("\n")[0] or platform.platform()),
        ("processor", _processor(machine)),
        ("neurorave", "%s, Python %s" % (__version__, platform.python_version())),
        ("engine", _engine(result, machine)),
        ("bundle", "%s, %d values" % (result["name"], result["model"]["parameters"])),
        ("how", _how(result)),
        (
            "frame, ms",
            "p50 %.2f, p99 %.2f, p99.9 %.2f, max %.2f of %.2f"
            % (frame["p50"], frame["p99"], frame["p999"], frame["max"], result["deadline_ms"]),
        ),
        ("graphs, ms a frame", graphs),
        (
            "missed",
            "%d of %d; %d too late for sound made %.0f ms ahead"
            % (result["misses"], result["frames"], result["late"], result["ahead_ms"]),
        ),
        ("real time", "%.1f times" % result["real_time_factor"]),
        (
            "gate to sound, ms",
            "p50 %.2f, p99 %.2f, jitter %.3f" % (gate["p50"], gate["p99"], gate["jitter"]),
        ),
        ("heat", _heat(machine)),
    ]
    lines = ["| neurorave bench | |", "|---|---|"]
    lines += ["| %s | %s |" % (name, text.replace("|", "/")) for name, text in rows]
    return "\n".join(lines)


def _processor(machine: Machine) -> str:
    found: Dict[str, str] = {}
    count = 0
    for line in machine.text(_CPU_FILE).split("\n"):
        key, _, value = (part.strip() for part in line.partition(":"))
        count += key == "processor"
        found.setdefault(key, value)
    name = found.get("model name") or "part %s" % found.get("CPU part", "unknown")
    text = "%d x %s" % (count, name)
    governor, hertz = machine.text(_GOVERNOR_FILE), machine.text(_FREQUENCY_FILE)
    if governor:
        text += ", governor " + governor
    if hertz.isdigit():
        text += ", %d MHz" % (int(hertz) // 1000)
    return text


def _engine(result: Dict[str, Any], machine: Machine) -> str:
    text = str(result["engine"])
    module = {"onnx": "onnxruntime", "tensorrt": "tensorrt"}.get(text, "")
    if module:
        text += " " + machine.version(module)
    return text + (" (%s)" % result["engine_note"] if result["engine_note"] else "")


def _how(result: Dict[str, Any]) -> str:
    return "%s, %d thread%s, real-time priority %s, kept awake %s" % (
        "paced" if result["paced"] else "back to back",
        result["threads"],
        "" if result["threads"] == 1 else "s",
        "yes" if result["realtime"] else "no",
        "yes" if result["awake"] else "no",
    )


def _heat(machine: Machine) -> str:
    heat = machine.heat()
    return "not known" if heat is None else "%s %.0f C" % (heat.zone, heat.celsius)
