"""Plans on disk: whole or not there, and used only where all of the key agrees."""

import json
import os
import struct
from typing import Any, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.engine.sealed import tidy
from neurorave_device.engine.tensorrt import cache
from neurorave_device.engine.tensorrt.cache import PlanKey, PlanRefused, read_plan, write_plan
from neurorave_device.engine.tensorrt.toolkit import Board, read_l4t

KEY = PlanKey("a" * 64, "8.2.1.8", "NVIDIA Tegra X1, multiprocessors: 1", "5.3", "32.7.1", "fp16")
BOARD = Board(*KEY[1:5])
PAYLOAD = bytes(range(256)) * 8


def stored(folder: Any) -> str:
    return write_plan(str(folder), KEY, PAYLOAD, {"note": "x"})


def test_what_was_written_is_read(tmp_path: Any) -> None:
    stored(tmp_path)
    found = read_plan(str(tmp_path), KEY)
    assert found.payload == PAYLOAD and found.facts == {"note": "x"}
    assert [name for name in os.listdir(str(tmp_path)) if not name.endswith(".plan")] == []


@pytest.mark.parametrize("field", PlanKey._fields)
def test_a_plan_with_another_key_is_refused_also_under_the_right_name(
    tmp_path: Any, field: str
) -> None:
    other = KEY._replace(**{field: "b" * 64 if field == "onnx_sha256" else "other"})
    path = write_plan(str(tmp_path), other, PAYLOAD, {})
    with pytest.raises(PlanRefused):
        read_plan(str(tmp_path), KEY)
    os.replace(path, cache.plan_path(str(tmp_path), KEY))
    with pytest.raises(PlanRefused, match="made for"):
        read_plan(str(tmp_path), KEY)


def test_the_reason_names_what_differs(tmp_path: Any) -> None:
    write_plan(str(tmp_path), KEY._replace(gpu="Orin, multiprocessors: 8"), PAYLOAD, {})
    with pytest.raises(PlanRefused, match=r"Orin.*here is NVIDIA Tegra X1"):
        read_plan(str(tmp_path), KEY)
    with pytest.raises(PlanRefused, match="no plan yet"):
        read_plan(str(tmp_path), KEY._replace(onnx_sha256="c" * 64))


@settings(max_examples=30, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_plan_can_be_wrong(tmp_path_factory: Any, place: float, bit: int) -> None:
    folder = str(tmp_path_factory.mktemp("plans"))
    path = stored(folder)
    with open(path, "rb") as handle:
        data = bytearray(handle.read())
    data[int(place * len(data))] ^= 1 << bit
    with open(path, "wb") as handle:
        handle.write(data)
    with pytest.raises(PlanRefused):
        read_plan(folder, KEY)


@settings(max_examples=20, deadline=None)
@given(length=st.floats(0, 1, exclude_max=True))
def test_a_plan_that_is_cut_off_is_refused(tmp_path_factory: Any, length: float) -> None:
    folder = str(tmp_path_factory.mktemp("plans"))
    path = stored(folder)
    with open(path, "r+b") as handle:
        handle.truncate(int(length * os.path.getsize(path)))
    with pytest.raises(PlanRefused):
        read_plan(folder, KEY)


def test_more_than_a_plan_is_refused(tmp_path: Any) -> None:
    with open(stored(tmp_path), "ab") as handle:
        handle.write(b"more")
    with pytest.raises(PlanRefused, match="too long"):
        read_plan(str(tmp_path), KEY)


def test_a_header_of_absurd_length_is_not_read(tmp_path: Any) -> None:
    path = stored(tmp_path)
    with open(path, "r+b") as handle:
        handle.write(struct.pack("<8sI", cache.MAGIC, 0xFFFFFFFF))
    with pytest.raises(PlanRefused, match="no file of this kind"):
        read_plan(str(tmp_path), KEY)


def test_a_plan_that_may_not_be_read_is_refused(tmp_path: Any) -> None:
    os.mkdir(cache.plan_path(str(tmp_path), KEY))
    with pytest.raises(PlanRefused, match="cannot be read"):
        read_plan(str(tmp_path), KEY)


def test_a_write_that_fails_changes_nothing(tmp_path: Any, monkeypatch: Any) -> None:
    stored(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        write_plan(str(tmp_path), KEY, b"other", {})
    assert read_plan(str(tmp_path), KEY).payload == PAYLOAD
    assert len(os.listdir(str(tmp_path))) == 1


def test_what_a_build_left_that_was_cut_off_is_tidied_up(tmp_path: Any) -> None:
    path = stored(tmp_path)
    with open(path + ".unfinished-77", "wb") as handle:
        handle.write(b"half a plan")
    tidy(str(tmp_path))
    assert os.listdir(str(tmp_path)) == [os.path.basename(path)]
    tidy(str(tmp_path / "nowhere"))


def test_half_precision_is_preferred_and_a_damaged_plan_tells_more_than_none(
    tmp_path: Any,
) -> None:
    folder = str(tmp_path)
    with pytest.raises(PlanRefused, match="no plan yet"):
        cache.read_best(folder, BOARD, KEY.onnx_sha256)
    write_plan(folder, KEY._replace(precision="fp32"), b"single", {})
    assert cache.read_best(folder, BOARD, KEY.onnx_sha256)[1].payload == b"single"
    path = stored(tmp_path)
    assert cache.read_best(folder, BOARD, KEY.onnx_sha256)[0] == KEY
    os.unlink(cache.plan_path(folder, KEY._replace(precision="fp32")))
    with open(path, "ab") as handle:
        handle.write(b"x")
    with pytest.raises(PlanRefused, match="too long"):
        cache.read_best(folder, BOARD, KEY.onnx_sha256)


def test_one_process_builds_at_a_time(tmp_path: Any) -> None:
    first, second = cache.BuildLock(str(tmp_path)), cache.BuildLock(str(tmp_path))
    assert first.try_take()
    assert not second.try_take()
    first.close()
    second.take()
    second.close()


@pytest.mark.parametrize(
    "environment,wanted",
    [
        ({"NEURORAVE_PLANS": "/var/lib/plans"}, "/var/lib/plans"),
        ({"NEURORAVE_PLANS": "", "XDG_CACHE_HOME": "/c"}, "/c/neurorave/plans"),
        ({"NEURORAVE_PLANS": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/neurorave/plans"),
    ],
)
def test_where_plans_are_kept(monkeypatch: Any, environment: Dict[str, str], wanted: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.plan_folder() == wanted


@pytest.mark.parametrize(
    "line,wanted",
    [
        ("# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64", "32.7.1"),
        ("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic", "36.4.3"),
        ("something else", "none"),
    ],
)
def test_the_release_of_the_board(tmp_path: Any, line: str, wanted: str) -> None:
    path = tmp_path / "nv_tegra_release"
    path.write_text(line + "\n# more\n")
    assert read_l4t(str(path)) == wanted
    assert read_l4t(str(tmp_path / "absent")) == "none"


def test_the_header_is_plain_json(tmp_path: Any) -> None:
    with open(stored(tmp_path), "rb") as handle:
        data = handle.read()
    length = struct.unpack("<I", data[8:12])[0]
    header = json.loads(data[44 : 44 + length].decode("utf-8"))
    assert header["key"]["l4t"] == "32.7.1" and header["bytes"] == len(PAYLOAD)
