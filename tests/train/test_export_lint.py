"""The linter of what TensorRT 8.2 takes: all graphs in the repository pass, and each rule is broken by a graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from neurorave_train.export.lint import lint

ROOT = Path(__file__).parents[2]
GRAPHS = sorted((*ROOT.glob("models/*/*.onnx"), *ROOT.glob("tests/data/toy_bundle/*.onnx")))

Change = Callable[[onnx.ModelProto], None]


def sound_model() -> onnx.ModelProto:
    """A small graph that breaks no rule."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2))
    constants = [
        numpy_helper.from_array(np.ones((4, 4), np.float32), "w"),
        numpy_helper.from_array(np.array([-1.0], np.float32), "low"),
        numpy_helper.from_array(np.array([0], np.int64), "start"),
        numpy_helper.from_array(np.array([np.iinfo(np.int64).max], np.int64), "end"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(np.array([2], np.int64), "step"),
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["a"], "product"),
        helper.make_node("Clip", ["a", "low"], ["b"], "limit"),
        helper.make_node("Slice", ["b", "start", "end", "axis", "step"], ["y"], "part"),
    ]
    shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, 4)) for n in "ab"]
    graph = helper.make_graph(nodes, "g", [x], [y], constants, value_info=shapes)
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=7)


def check(model: onnx.ModelProto, folder: Path) -> list[str]:
    (folder / "g.onnx").write_bytes(model.SerializeToString())
    return lint(folder / "g.onnx")


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: "/".join(path.parts[-2:]))
def test_all_graphs_that_ship_pass(path: Path) -> None:
    assert lint(path) == []


def test_a_sound_graph_passes(tmp_path: Path) -> None:
    assert len(GRAPHS) >= 8
    assert check(sound_model(), tmp_path) == []


def _set(name: str, values: object, kind: type) -> Change:
    def change(model: onnx.ModelProto) -> None:
        for constant in model.graph.initializer:
            if constant.name == name:
                constant.CopyFrom(numpy_helper.from_array(np.asarray(values, kind), name))

    return change


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 14


def _domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _newer(model: onnx.ModelProto) -> None:
    model.ir_version = 9


def _unknown(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Mod"


def _computed_limit(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[1] = "a"


def _flat_gemm(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 1


def _training(model: onnx.ModelProto) -> None:
    node = helper.make_node("BatchNormalization", ["a", "w", "w", "w", "w"], ["b", "c", "d"], "n")
    model.graph.node[1].CopyFrom(node)


def _cast(model: onnx.ModelProto) -> None:
    model.graph.node[1].CopyFrom(helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT16))


def _external(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def _deep(model: onnx.ModelProto) -> None:
    model.graph.value_info[0].CopyFrom(
        helper.make_tensor_value_info("a", TensorProto.FLOAT, (1,) * 9)
    )


def _empty(model: onnx.ModelProto) -> None:
    model.graph.value_info[0].CopyFrom(
        helper.make_tensor_value_info("a", TensorProto.FLOAT, (0, 4))
    )


def _open(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def _long_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64


def _passed_on(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4)))


def _constant_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 4)))


def _twice(model: onnx.ModelProto) -> None:
    model.graph.output.append(model.graph.output[0])


def _input_with_value(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 4)))


@pytest.mark.parametrize(
    "change,word",
    [
        (_opset, "opset 14"),
        (_domain, "com.microsoft"),
        (_newer, "IR version 9"),
        (_unknown, "Mod limit is not known"),
        (_computed_limit, "Clip limit must have constant weights and sizes, a is computed"),
        (_flat_gemm, "Gemm product must work on two dimensions"),
        (_training, "training mode"),
        (_cast, "half precision"),
        (_external, "inside the file"),
        (_set("w", np.ones((4, 4)), np.float64), "w must not be DOUBLE"),
        (_set("w", np.ones((4, 4)), np.float16), "w must not be FLOAT16"),
        (_set("start", [1 << 40], np.int64), "start does not fit into 32 bits"),
        (_deep, "a has 9 dimensions"),
        (_empty, "nothing may be empty"),
        (_open, "output y must have a static shape"),
        (_long_output, "output y must be float32"),
        (_passed_on, "output x must be computed"),
        (_constant_output, "output w must be computed"),
        (_twice, "output y is there twice"),
        (_input_with_value, "input w must not be a constant too"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_rule_is_broken_by_a_graph(change: Change, word: str, tmp_path: Path) -> None:
    model = sound_model()
    change(model)
    assert word in "\n".join(check(model, tmp_path))
