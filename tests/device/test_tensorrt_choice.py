"""Which engine plays: TensorRT where it is there and faster, otherwise ONNX Runtime with a reason; the commands."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from typing import Any, Dict, Iterator, List

import pytest

from neurorave_device import cli, doctor
from neurorave_device.config import Config
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.engine.tensorrt import verify, worker
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.graph import TensorRtGraph
from neurorave_device.engine.tensorrt.planning import make_plans
from neurorave_device.errors import UserError
from neurorave_device.tools import plan
from neurorave_device.tools.bench import bench

from .toy import DATA, TOY, copy_toy
from .trt_fakes import APIS, install, set_fault, uninstall

FASTER: Dict[str, float] = {"tensorrt": 1.0, "onnx": 2.0}


@pytest.fixture()
def fakes(monkeypatch: Any, tmp_path: Any) -> Iterator[Any]:
    """Install a fake: fakes(api, fault); TensorRT counts as the faster one."""

    def use(api: str = "api8", fault: str = "") -> str:
        return install(monkeypatch, tmp_path / "plans", api, fault)

    monkeypatch.setattr(verify, "frame_times", lambda *_: dict(FASTER))
    yield use
    worker.close_shared()
    uninstall()


@pytest.fixture()
def bare(monkeypatch: Any) -> None:
    """Make sure that there is no TensorRT, whatever this machine has."""
    for name in ("tensorrt", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)


def loaded(name: str) -> Any:
    engine = make_engine(name)
    return engine, load_bundle(TOY, engine)


def test_without_a_word_it_is_onnx_runtime(fakes: Any) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    assert all(isinstance(graph, OnnxGraph) for graph in load_bundle(TOY).graphs.values())


def test_tensorrt_that_is_not_there_is_one_sentence(bare: None) -> None:
    with pytest.raises(UserError, match=r"tensorrt is not there.*--engine onnx") as caught:
        make_engine("tensorrt")
    assert "\n" not in str(caught.value)


def test_auto_without_tensorrt_plays_and_tells(bare: None) -> None:
    engine, bundle = loaded("auto")
    assert (engine.name, engine.wants_plans) == ("onnx", False)
    assert engine.note.startswith("ONNX Runtime plays, since tensorrt is not there")
    assert all(isinstance(graph, OnnxGraph) for graph in bundle.graphs.values())


def test_auto_without_pycuda_says_that_pycuda_is_missing(fakes: Any, monkeypatch: Any) -> None:
    fakes()
    importlib.import_module("tensorrt")
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    assert "pycuda is not there" in loaded("auto")[0].note


@pytest.mark.parametrize("fault", ["no_gpu", "no_context"])
def test_auto_without_a_usable_gpu_plays_and_tells(
    fakes: Any, monkeypatch: Any, fault: str
) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    worker.close_shared()
    monkeypatch.setenv("FAKE_CUDA_FAULT", fault)
    engine = loaded("auto")[0]
    assert engine.name == "onnx" and not engine.wants_plans
    assert ("no GPU answers" if fault == "no_gpu" else "no CUDA context") in engine.note
    with pytest.raises(UserError, match=r"GPU|context"):
        loaded("tensorrt")


@pytest.mark.parametrize("api", APIS)
def test_auto_plays_on_plans_once_there_are_some(fakes: Any, api: str) -> None:
    fakes(api)
    engine, bundle = loaded("auto")
    assert (engine.name, engine.wants_plans) == ("onnx", True)
    assert engine.note.startswith("ONNX Runtime plays (decoder: it has no plan yet; ")
    make_plans(TOY, TensorRtEngine())
    engine, bundle = loaded("auto")
    assert (engine.name, engine.note, engine.wants_plans) == ("tensorrt", "", False)
    assert all(isinstance(graph, TensorRtGraph) for graph in bundle.graphs.values())


def test_a_graph_that_is_slower_on_tensorrt_stays_on_onnx_runtime(
    fakes: Any, monkeypatch: Any
) -> None:
    fakes()

    def times(graphs: Any, *_: Any) -> Dict[str, float]:
        return (
            dict(FASTER) if "latents" in graphs["onnx"].inputs else {"tensorrt": 3.0, "onnx": 0.5}
        )

    monkeypatch.setattr(verify, "frame_times", times)
    make_plans(TOY, TensorRtEngine())
    engine, bundle = loaded("auto")
    kinds = {role: type(graph).__name__ for role, graph in bundle.graphs.items()}
    assert kinds == {"decoder": "TensorRtGraph", "prior": "OnnxGraph", "meter": "OnnxGraph"}
    assert engine.name == "tensorrt" and not engine.wants_plans
    assert "prior: faster so, 0.50 ms instead of 3.00" in engine.note
    # Who asks for TensorRT by name gets it.
    graphs = loaded("tensorrt")[1].graphs.values()
    assert all(isinstance(graph, TensorRtGraph) for graph in graphs)


@pytest.mark.parametrize("fault", ["refuse", "run"])
def test_a_plan_that_tensorrt_will_not_have_is_a_reason_for_onnx_runtime(
    fakes: Any, monkeypatch: Any, fault: str
) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    set_fault(monkeypatch, fault)
    engine, bundle = loaded("auto")
    assert (engine.name, engine.wants_plans) == ("onnx", True)
    assert all(isinstance(graph, OnnxGraph) for graph in bundle.graphs.values())
    assert "decoder: " in engine.note and "\n" not in engine.note


def test_tensorrt_by_name_without_plans_is_one_sentence(fakes: Any) -> None:
    fakes()
    with pytest.raises(UserError, match="no plan yet; `neurorave plan --bundle DIR`"):
        loaded("tensorrt")


def test_the_plan_command_builds_and_reports(fakes: Any, capsys: Any) -> None:
    folder = fakes("api10")
    assert cli.main(["plan", "--bundle", TOY, "--json", "-"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert captured.err == ""
    assert report["folder"] == folder and report["board"]["tensorrt"] == "10.3.0"
    assert [row["role"] for row in report["plans"]] == ["decoder", "prior", "meter"]
    assert all(row["built"] for row in report["plans"])
    assert cli.main(["plan", "--bundle", TOY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all("was there" in line for line in lines)


def test_the_plan_command_says_why_there_is_no_plan(fakes: Any, capsys: Any) -> None:
    fakes(fault="memory")
    assert cli.main(["plan", "--bundle", TOY]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "out of memory" in said


def test_the_plan_command_plans_all_bundles_and_one_that_is_bad_stops_none(
    fakes: Any, capsys: Any, tmp_path: Any
) -> None:
    fakes("api10")
    (tmp_path / "board").mkdir()
    first = copy_toy(tmp_path / "board")
    (tmp_path / "card" / "models").mkdir(parents=True)
    shutil.copytree(first, str(tmp_path / "card" / "models" / "second"))
    (tmp_path / "card" / "models" / "broken").mkdir()
    (tmp_path / "card" / "models" / "broken" / "bundle.yaml").write_text("schema: 1")
    config = tmp_path / "neurorave.yaml"
    config.write_text("bundle: %s\ncard: card\n" % first)
    assert cli.main(["plan", "--config", str(config), "--json", "-"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"] and len(report["bundles"]) == 3
    broken, second, toy = report["bundles"]
    assert "fault" in broken and "bundle.yaml" in broken["fault"]
    assert len(second["plans"]) == len(toy["plans"]) == 3
    shutil.rmtree(str(tmp_path / "card" / "models" / "broken"))
    assert cli.main(["plan", "--config", str(config)]) == 0
    assert capsys.readouterr().out.count("was there") == 6
    for usage in (["plan"], ["plan", "--config", str(config), "--bundle", TOY]):
        assert cli.main(usage) == 2
        assert "either --bundle DIR or --config FILE" in capsys.readouterr().err


def test_the_plan_command_without_tensorrt_or_bundle_is_bad_usage(bare: None, capsys: Any) -> None:
    for bundle, word in ((TOY, "tensorrt is not there"), ("no/such", "no/such")):
        assert cli.main(["plan", "--bundle", bundle]) == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1 and word in said


def test_the_plan_command_shows_where_it_is(fakes: Any) -> None:
    fakes("api10")
    shown: List[str] = []
    plan.make(TOY, show=shown.append)
    assert shown[-2:] == ["The TensorRT plans are ready.", ""]
    assert all("\n" not in text for text in shown)


def test_bench_measures_what_it_was_asked_for(fakes: Any) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    report = bench(TOY, "tensorrt", threads=4, seconds=0.1, paced=False)
    assert (report["engine"], report["threads"], report["engine_note"]) == ("tensorrt", 1, "")
    report = bench(TOY, "onnx", threads=1, seconds=0.1, paced=False)
    assert (report["engine"], report["threads"]) == ("onnx", 1)


def test_a_command_that_plays_on_tensorrt_leaves_no_context_when_it_ends(fakes: Any) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    command = [sys.executable, "-m", "neurorave_device.cli", "bench", "--bundle", TOY]
    command += ["--engine", "tensorrt", "--seconds", "0.05"]
    root = os.path.dirname(os.path.dirname(DATA))
    said = subprocess.check_output(command, cwd=root, stderr=subprocess.STDOUT).decode("utf-8")
    assert "tensorrt, 1 thread" in said


def rows(results: List[doctor.Result]) -> Dict[str, doctor.Result]:
    return {row.name: row for row in results if row.name in ("tensorrt", "pycuda", "gpu", "plans")}


def test_the_doctor_without_tensorrt_has_one_line_about_it(bare: None) -> None:
    found = rows(doctor.examine(doctor.Machine(), Config(bundle=TOY)))
    assert list(found) == ["tensorrt"] and found["tensorrt"].state == doctor.OK


@pytest.mark.parametrize(
    "api,word", [("api8", "by number"), ("api10", "with progress"), ("api11", "single precision")]
)
def test_the_doctor_tells_what_tensorrt_can_do_and_which_plans_lack(
    fakes: Any, api: str, word: str
) -> None:
    fakes(api)
    found = rows(doctor.examine(doctor.Machine(), Config(bundle=TOY)))
    assert word in found["tensorrt"].text
    assert found["pycuda"].state == found["gpu"].state == doctor.OK
    assert "compute capability 5.3" in found["gpu"].text
    assert found["plans"].state == doctor.WARN
    assert "no plan yet; run `neurorave plan --bundle" in found["plans"].text
    make_plans(TOY, TensorRtEngine())
    found = rows(doctor.examine(doctor.Machine(), Config(bundle=TOY)))
    assert found["plans"] == doctor.Result("plans", doctor.OK, TOY)


def test_the_doctor_stops_at_what_is_missing(fakes: Any, monkeypatch: Any) -> None:
    fakes()
    monkeypatch.setenv("FAKE_CUDA_FAULT", "no_gpu")
    found = rows(doctor.examine(doctor.Machine(), Config(bundle=TOY)))
    assert set(found) == {"tensorrt", "pycuda", "gpu"} and found["gpu"].state == doctor.WARN
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    found = rows(doctor.examine(doctor.Machine(), Config(bundle=TOY)))
    assert set(found) == {"tensorrt", "pycuda"} and "pip<22" in found["pycuda"].text
