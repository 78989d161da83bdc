"""The configuration: layers in their order, and one sentence for everything that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from neurorave_device.config import COMMAND_LINE, SCHEMA_PATH, Config, load_config, load_given
from neurorave_device.errors import UserError


def written(folder: Path, text: str) -> str:
    path = folder / "module.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_anything_the_defaults_hold() -> None:
    assert load_config(None, {}) == Config()
    assert load_config() == Config()
    assert Config().port == 8765 and Config().block == 128


def test_file_beats_default_and_command_line_beats_file(tmp_path: Path) -> None:
    path = written(tmp_path, "port: 9000\nblock: 64\naudio: file\nseconds: 3\n")
    config = load_config(path, {"port": 9001, "audio": None})
    assert (config.port, config.block, config.audio) == (9001, 64, "file")
    assert config.panel == "virtual"
    assert config.seconds == 3.0 and isinstance(config.seconds, float)


def test_what_was_given_is_known(tmp_path: Path) -> None:
    assert load_given() == (Config(), {})
    path = written(tmp_path, "bundle: mine\naudio: null\n")
    found = load_given(path, {"state": "here", "audio": "file", "port": None})
    assert found.keys == {"bundle", "state", "audio"}
    assert found.config.state == "here"
    # What the command line gives wins.
    assert found.sources == {"bundle": path, "state": COMMAND_LINE, "audio": COMMAND_LINE}


def test_the_null_output_needs_no_quotes(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "audio: null\n")).audio == "null"


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")) == Config()


def test_the_patch_is_merged_key_by_key_as_numbers(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "patch:\n  cv2.destination: booming\n  gate1.role: off\n  guard: off\n  level: -6\n",
    )
    config = load_config(path, {"patch": {"level": -3.0, "seed": 7}})
    assert dict(config.patch) == {
        "cv2.destination": 5.0,
        "gate1.role": 9.0,
        "guard": 0.0,
        "level": -3.0,
        "seed": 7.0,
    }


def test_paths_in_a_file_start_from_its_folder(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, "bundle: mine\nout: /tmp/out.wav\nstate: memory\n"), {"cv_file": "cv.wav"}
    )
    assert config.bundle == str(tmp_path / "mine")
    assert config.out == "/tmp/out.wav"
    assert config.state == str(tmp_path / "memory")
    assert load_config(None, {"out": "LOUD.WAV"}).out == "LOUD.WAV"
    assert config.cv_file == "cv.wav"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("prot: 1", "unknown key 'prot' (value 1), allowed are bundle, panel, audio,"),
        ("level: -6", "level (value -6) is a parameter id, parameter ids belong under `patch:`"),
        ("cv1.range: 1", "cv1.range (value 1) is a parameter id, parameter ids belong under"),
        ("port: high", "port is 'high', allowed is a whole number from 0"),
        ("port: 70000", "port is 70000, allowed is a whole number from 0"),
        ("port: true", "port is True, allowed is a whole number"),
        ("port:", "port is None, allowed is a whole number"),
        ("block: 64.5", "block is 64.5, allowed is a whole number of samples from 16 to 4096"),
        ("panel: real", "panel is 'real', allowed is one of virtual, replay, jetson"),
        ("audio: none", "audio is 'none', allowed is one of browser, soundcard, file, null"),
        ("seconds: 0", "seconds is 0, allowed is seconds above 0"),
        ("seconds: .nan", "seconds is nan, allowed is seconds above 0"),
        ("latency_ms: .inf", "latency_ms is inf, allowed is milliseconds from 1 to 1000"),
        ("bundle: ''", "bundle is '', allowed is the folder of a bundle"),
        ("patch: 3", "patch is 3, allowed is parameter ids with their values"),
        ("patch: {cv5.amount: 1}", "patch: unknown parameter 'cv5.amount', allowed are cv"),
        ("patch: {level: 40}", "patch: level is 40, allowed is a number from -60 to 6 dB"),
        ("- port", "a list, a configuration is made of keys and values"),
        ("port: [1", "not valid YAML at line"),
        ("port: ${nowhere}", "nowhere"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load_config(path, {})
    message = str(caught.value)
    assert message.startswith(path + ": ")
    assert sentence in message
    assert "\n" not in message


def test_a_plain_word_is_no_configuration(tmp_path: Path) -> None:
    path = written(tmp_path, "hello")
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize(
    "overrides, sentence",
    [
        ({"port": -1}, "command line: port is -1, allowed is"),
        ({"speed": 2}, "command line: unknown key 'speed' (value 2)"),
        (
            {"patch": {"guard": "maybe"}},
            "command line: patch: guard is 'maybe', allowed is on or off",
        ),
    ],
)
def test_bad_overrides_are_refused_too(overrides: Any, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        load_config(None, overrides)
    assert str(caught.value).startswith(sentence)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")
    with pytest.raises(UserError, match=r"missing\.yaml: No such file"):
        load_config(missing)
    with pytest.raises(UserError, match="configuration is a YAML file"):
        load_config(str(tmp_path))
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(UserError, match=r"bytes\.yaml: not "):
        load_config(str(tmp_path / "bytes.yaml"))


def test_the_schema_knows_every_key_and_says_what_is_allowed() -> None:
    with open(SCHEMA_PATH, encoding="utf-8") as file:
        properties = json.load(file)["properties"]
    assert tuple(properties) == Config._fields
    assert all(row["description"] for row in properties.values())


def test_a_sound_card_is_played_more_directly_unless_told_otherwise() -> None:
    assert Config(audio="soundcard").ahead_ms == 20.0
    assert Config(audio="browser").ahead_ms == 45.0
    assert Config(audio="browser", latency_ms=7.5).ahead_ms == 7.5
