"""The `neurorave` command: its help, its exit statuses, and JSON that is nothing but JSON."""

import importlib
import json
import os
import subprocess
import sys
from typing import Any, List

import pytest
import soundfile

from neurorave_device import __version__, cli
from neurorave_device.config import load_config
from tests.device.toy import CV, TOY, copy_toy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = [
    ["run"],
    ["render"],
    ["models"],
    ["models", "list"],
    ["models", "check"],
    ["bench"],
    ["plan"],
    ["doctor"],
    ["calibrate"],
]


def run(arguments: List[str]) -> int:
    """Run a command here and return its exit status, however it ends."""
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize("command", [[]] + COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(
    command: List[str], capsys: Any
) -> None:
    assert run(command + ["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    examples = [line for line in lines if line.startswith("example: neurorave ")]
    assert len(examples) == 1
    words = examples[0].split()[2:]
    assert words[: len(command)] == command
    cli._parser().parse_args(words)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from neurorave_device import cli\n"
        "try:\n"
        "    cli.main(['run', '--help'])\n"
        "except SystemExit:\n"
        "    heavy = {'numpy', 'onnxruntime', 'yaml', 'aiohttp', 'jsonschema', 'omegaconf'}\n"
        "    sys.exit(3 if heavy & set(sys.modules) else 0)\n"
    )
    quiet = subprocess.DEVNULL
    assert subprocess.call([sys.executable, "-c", script], cwd=ROOT, stdout=quiet) == 0


def test_the_version_is_told(capsys: Any) -> None:
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments,word",
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["run", "--volume", "3"], "--volume"),
        (["run", "--seconds", "soon"], "soon"),
        (["run", "--seconds", "nan"], "nan"),
        (["run", "--port", "8765.5"], "8765.5"),
        (["render", "--bundle", TOY], "--cv"),
        (["render", "--bundle", TOY, "--cv", "no.wav", "--out", "x.wav"], "no.wav"),
        (["models"], "ACTION"),
        (["models", "list", "no/such/folder"], "no/such/folder"),
        (["models", "list", CV], CV + ": is a file, "),
        (["models", "check", "no/such/folder"], "no/such/folder"),
        (["bench", "--bundle", "no/such/folder"], "no/such/folder"),
        (["bench", "--bundle", TOY, "--seconds", "-1"], "seconds"),
        (["bench", "--bundle", TOY, "--threads", "0"], "threads"),
        (["bench", "--bundle", TOY, "--engine", "tensorrt"], "tensorrt"),
        (["calibrate", "--panel", "virtual"], "panel: virtual"),
        (["calibrate", "--panel", "replay"], "panel: replay"),
        (["calibrate", "--import", "no.json", "--reset"], "--reset"),
        (["calibrate", "--import", "no/such.json"], "no/such.json"),
        (["doctor", "--json", "no/such/folder/x.json"], "there is no folder"),
        (["bench", "--bundle", TOY, "--json", "no/such/folder/x.json"], "there is no folder"),
    ],
)
def test_bad_usage_is_one_line_on_stderr_and_status_2(
    arguments: List[str], word: str, capsys: Any
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert word in captured.err


@pytest.mark.parametrize(
    "module,name,arguments,status,said",
    [
        (
            "neurorave_device.tools.render",
            "render",
            ["render", "--bundle", TOY, "--cv", CV, "--out", "x.wav"],
            130,
            "neurorave: interrupted\n",
        ),
        ("neurorave_device.tools.bench", "bench", ["bench"], 130, "neurorave: interrupted\n"),
        # Its end is Ctrl-C, also before anything plays.
        ("neurorave_device.config", "load_given", ["run"], 0, ""),
        ("neurorave_device.launch.daemon", "run", ["run", "--bundle", TOY], 0, ""),
    ],
)
def test_ctrl_c_is_130_where_work_is_left_unfinished(
    module: str,
    name: str,
    arguments: List[str],
    status: int,
    said: str,
    capsys: Any,
    monkeypatch: Any,
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module(module), name, interrupt)
    assert run(arguments) == status
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


@pytest.mark.parametrize("command", ["run", "models list"])
def test_an_unknown_option_leads_to_the_help_of_its_command(command: str, capsys: Any) -> None:
    assert run(command.split() + ["--frobnicate"]) == 2
    said = "neurorave %s: unrecognized arguments: --frobnicate, see neurorave %s --help\n"
    assert capsys.readouterr().err == said % (command, command)


def test_render_writes_the_file_and_only_json_on_stdout(tmp_path: Any, capsys: Any) -> None:
    out = str(tmp_path / "out.wav")
    arguments = ["render", "--bundle", TOY, "--cv", CV, "--out", out, "--seed", "5"]
    assert run(arguments + ["--json", "-"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert captured.err == ""
    assert report["seed"] == 5
    assert set(report["gates"]) == {"1", "2"}
    assert len(report["asked"]["rms"]) == len(report["heard"]["rms"]) == report["frames"]
    assert soundfile.info(out).frames == report["samples"]
    first = open(out, "rb").read()
    json_path = str(tmp_path / "report.json")
    assert run(arguments + ["--json", json_path]) == 0
    assert open(out, "rb").read() == first
    assert out in capsys.readouterr().out
    with open(json_path, encoding="utf-8") as handle:
        assert json.load(handle) == report


def test_a_file_that_cannot_be_written_is_status_1_or_2_with_its_name(
    tmp_path: Any, capsys: Any
) -> None:
    for report, status in (("none/report.json", 2), ("folder", 1)):
        (tmp_path / "folder").mkdir(exist_ok=True)
        path = str(tmp_path / report)
        assert run(["models", "list", os.path.dirname(TOY), "--json", path]) == status
        assert path in capsys.readouterr().err


def test_models_are_listed_with_their_faults(tmp_path: Any, capsys: Any) -> None:
    bundle = copy_toy(tmp_path)
    assert run(["models", "list", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [[bundle, "toy"]]
    assert not lines[0].endswith(",")
    with open(os.path.join(bundle, "bundle.yaml"), "w") as handle:
        handle.write("schema: 7\n")
    assert run(["models", "list", str(tmp_path), "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["bundles"]
    assert len(rows) == 1 and "bundle.yaml" in rows[0]["fault"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["models", "list", str(empty)]) == 0
    assert str(empty) in capsys.readouterr().out


def test_a_bundle_is_checked(tmp_path: Any, capsys: Any) -> None:
    assert run(["models", "check", TOY]) == 0
    assert "well" in capsys.readouterr().out
    bundle = copy_toy(tmp_path)
    with open(os.path.join(bundle, "meter.onnx"), "ab") as handle:
        handle.write(b"tampered")
    assert run(["models", "check", bundle, "--json", "-"]) == 2
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["ok"] is False
    assert any("meter.onnx" in finding["text"] for finding in report["findings"])
    assert "meter.onnx" in captured.err


def test_bench_reports_the_keys_that_others_rely_on(capsys: Any) -> None:
    arguments = ["bench", "--bundle", TOY, "--seconds", "0.2"]
    assert run(arguments + ["--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    keys = (
        "engine threads sample_rate hop deadline_ms frames frame_ms misses real_time_factor "
        "cpu_percent gate_to_sound_ms model"
    )
    assert set(keys.split()) <= set(report)
    assert set(report["frame_ms"]) == {"p50", "p99", "p999", "max"}
    assert set(report["gate_to_sound_ms"]) == {"p50", "p99", "max", "jitter"}
    assert set(report["model"]) == {"parameters", "mac_per_second"}
    assert run(arguments + ["--paced"]) == 0
    text = capsys.readouterr().out
    assert "misses" in text and "paced" in text


def test_bench_without_a_bundle_measures_what_run_plays(capsys: Any, monkeypatch: Any) -> None:
    from neurorave_device.tools import bench

    class Measured(Exception):
        pass

    def measure(bundle: str, **_: Any) -> None:
        raise Measured(bundle)

    monkeypatch.setattr(bench, "bench", measure)
    with pytest.raises(Measured) as caught:
        cli.main(["bench"])
    assert str(caught.value) == load_config(None, {}).bundle


def test_the_doctor_speaks_both_ways(capsys: Any, monkeypatch: Any) -> None:
    from neurorave_device import doctor
    from neurorave_device.doctor import FAIL, OK, Result

    results = [Result("python", OK, "3.6.9")]
    monkeypatch.setattr(doctor, "examine", lambda machine, config: results)
    assert run(["doctor"]) == 0
    assert capsys.readouterr().out == "ok       python  3.6.9\n"
    results.append(Result("numpy", FAIL, "cannot be imported"))
    assert run(["doctor", "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_reader_that_has_seen_enough_causes_no_traceback() -> None:
    # "models list" into a pipe whose other end is closed already.
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-u", "-m", "neurorave_device.cli", "models", "list", "tests/data"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, errors = process.communicate()
    assert b"Traceback" not in errors and b"Exception" not in errors
    assert process.returncode == 1
