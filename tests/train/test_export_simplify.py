"""The passes that simplify exported graphs: fewer operators, the same result, states that fit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from neurorave_train.export import simplify as passes
from neurorave_train.export.simplify import simplify
from neurorave_train.export.static_graph import Node, StaticGraph, input_shapes, run_model


def model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    constants: dict[str, Any],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 7
    return made


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def operators(made: onnx.ModelProto) -> Counter[str]:
    return Counter(n.op_type for n in made.graph.node)


def assert_same(before: onnx.ModelProto, after: onnx.ModelProto) -> None:
    values = {n: floats(*s) for n, s in input_shapes(before).items()}
    reshaped = {n: values[n].reshape(s) for n, s in input_shapes(after).items()}
    wanted, found = run_model(before, values), run_model(after, reshaped)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name].reshape(value.shape), value, rtol=1e-5, atol=1e-6)
    onnx.checker.check_model(after, full_check=True)


def test_a_layer_with_a_state_becomes_one_product() -> None:
    """Concat, slices for the taps, stacks of matrices: what a causal convolution traces to."""
    taps = {f"t{k}": np.array([k], np.int64) for k in range(4)}
    before = model(
        [
            helper.make_node("Concat", ["state_in_0", "x"], ["all"], axis=1),
            helper.make_node("Slice", ["all", "t1", "t3", "axis"], ["state_out_0"]),
            helper.make_node("Slice", ["x", "t0", "t1", "axis"], ["whole"]),
            helper.make_node("Concat", ["all", "none"], ["again"], axis=1),
            helper.make_node("Reshape", ["again", "flat"], ["stacked"]),
            helper.make_node("MatMul", ["stacked", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["biased"]),
            helper.make_node("Add", ["whole", "biased"], ["y"]),
        ],
        {"x": (1, 1, 4), "state_in_0": (1, 2, 4)},
        {"y": (1, 1, 4), "state_out_0": (1, 2, 4)},
        {
            **taps,
            "axis": np.array([1], np.int64),
            "none": np.zeros((1, 0, 4), np.float32),
            "flat": np.array([1, 1, 12], np.int64),
            "w": floats(12, 4),
            "b": floats(4),
        },
    )
    after = simplify(before)
    assert_same(before, after)
    found = operators(after)
    assert found == {"Reshape": 3, "Concat": 1, "Slice": 1, "Gemm": 1, "Add": 1}
    assert input_shapes(after) == {"x": (1, 1, 4), "state_in_0": (2, 4)}


def test_products_of_one_value_are_merged_and_their_slices_join_the_split() -> None:
    ends = {f"t{k}": np.array([k], np.int64) for k in (0, 3, 6)}
    before = model(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["both"], transB=1),
            helper.make_node("Slice", ["both", "t0", "t3", "axis"], ["scale"]),
            helper.make_node("Slice", ["both", "t3", "t6", "axis"], ["shift"]),
            helper.make_node("MatMul", ["x", "w2"], ["other"]),
            helper.make_node("Mul", ["other", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "shift"], ["y"]),
        ],
        {"x": (2, 5)},
        {"y": (2, 3)},
        {
            **ends,
            "axis": np.array([-1], np.int64),
            "w1": floats(6, 5),
            "b1": floats(6),
            "w2": floats(5, 3),
        },
    )
    after = simplify(before)
    assert_same(before, after)
    assert operators(after) == {"Gemm": 1, "Split": 1, "Mul": 1, "Add": 1}


def test_what_does_not_depend_on_the_inputs_is_stored_once() -> None:
    before = model(
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Expand", ["one", "shape"], ["ones"]),
            helper.make_node("Add", ["x", "ones"], ["first"]),
            helper.make_node("Add", ["x", "ones"], ["second"]),
            helper.make_node("Mul", ["first", "second"], ["y"]),
        ],
        {"x": (2, 3)},
        {"y": (2, 3)},
        {"one": np.float32(1.0)},
    )
    after = simplify(before)
    assert_same(before, after)
    assert operators(after) == {"Add": 1, "Mul": 1}


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceSum"])
def test_reductions_and_transposes_follow_when_the_batch_is_dropped(op: str) -> None:
    axes: dict[str, Any] = {"axes": [2]} if op == "ReduceMax" else {}
    inputs = ["turned"] if axes else ["turned", "last"]
    before = model(
        [
            helper.make_node("Transpose", ["x"], ["turned"], perm=[0, 2, 1]),
            helper.make_node(op, inputs, ["reduced"], keepdims=0, **axes),
            helper.make_node("Softmax", ["reduced"], ["soft"], axis=1),
            helper.make_node("Unsqueeze", ["soft", "last"], ["column"]),
            helper.make_node("MatMul", ["x", "column"], ["y"]),
        ],
        {"x": (1, 4, 3)},
        {"y": (1, 4, 1)},
        {"last": np.array([2], np.int64)},
    )
    assert_same(before, simplify(before))


def test_a_graph_with_an_operator_that_cannot_follow_keeps_its_batch() -> None:
    before = model(
        [
            helper.make_node("Conv", ["state_in_0", "w"], ["state_out_0"], kernel_shape=[1, 1]),
            helper.make_node("Tanh", ["state_out_0"], ["y"]),
        ],
        {"state_in_0": (1, 2, 1, 3)},
        {"y": (1, 2, 1, 3), "state_out_0": (1, 2, 1, 3)},
        {"w": floats(2, 2, 1, 1)},
    )
    after = simplify(before)
    assert_same(before, after)
    assert operators(after) == {"Conv": 1, "Tanh": 1}
    assert input_shapes(after) == {"state_in_0": (1, 2, 1, 3)}


def test_an_input_that_goes_straight_out_keeps_both_names() -> None:
    before = model([helper.make_node("Identity", ["x"], ["y"])], {"x": (1, 3)}, {"y": (1, 3)}, {})
    after = simplify(before)
    assert_same(before, after)


def test_a_pass_that_changes_the_result_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(graph: StaticGraph) -> None:
        graph.nodes = [Node("Neg", n.inputs, n.outputs) for n in graph.nodes]

    before = model([helper.make_node("Tanh", ["x"], ["y"])], {"x": (1, 3)}, {"y": (1, 3)}, {})
    monkeypatch.setattr(passes, "_share", spoil)
    with pytest.raises(RuntimeError, match="changed y"):
        simplify(before)
