"""An ONNX graph in a form that is easy to rewrite: nodes, constants and the shape of every value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


class Node:
    """One operator: names of its inputs ("" where left out) and outputs, plain attribute values."""

    def __init__(
        self, op: str, inputs: Iterable[str], outputs: Iterable[str], **attributes: Any
    ) -> None:
        self.op = op
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.attributes = attributes


class StaticGraph:
    """A graph whose shapes are all known; what does not depend on its inputs is a constant.

    Names of inputs and outputs stay, all others may change. Thread: one at a time.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.inputs = input_shapes(model)
        self.outputs = {v.name: _dims(v) for v in model.graph.output}
        self.constants: dict[str, Array] = {
            i.name: numpy_helper.to_array(i) for i in model.graph.initializer
        }
        self.nodes = [_node(n) for n in model.graph.node]
        self._opset = next(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))
        self._made = 0
        self.shapes: dict[str, Shape] = {}
        self.measure()

    def model(self) -> onnx.ModelProto:
        """The graph as a model with an initialiser for each constant that is used."""
        used = {name for node in self.nodes for name in node.inputs}
        nodes = [
            helper.make_node(n.op, n.inputs, n.outputs, name=f"{n.op}_{k}", **n.attributes)
            for k, n in enumerate(self.nodes)
        ]
        graph = helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(n, 1, s) for n, s in self.inputs.items()],
            [helper.make_tensor_value_info(n, 1, s) for n, s in self.outputs.items()],
            [numpy_helper.from_array(v, n) for n, v in self.constants.items() if n in used],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])
        # The format of the oldest runtime that is served, ONNX Runtime 1.10.
        model.ir_version = 7
        return model

    def measure(self) -> None:
        """Learns every shape, and the values of all that does not depend on the inputs, by one run."""
        self._drop_unused()
        depends = set(self.inputs)
        for node in self.nodes:
            if node.op != "Shape" and any(name in depends for name in node.inputs):
                depends.update(node.outputs)
        model = self.model()
        shown = {v.name for v in model.graph.output}
        names = [o for n in self.nodes for o in n.outputs]
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in shown)
        found = run_model(model, {n: np.zeros(s, np.float32) for n, s in self.inputs.items()})
        self.shapes = {**self.inputs, **{n: v.shape for n, v in self.constants.items()}}
        self.shapes.update((n, found[n].shape) for n in names)
        fixed = [n for n in self.nodes if not depends.intersection(n.outputs)]
        self.constants.update((o, found[o]) for n in fixed for o in n.outputs)
        keep = set(self.outputs)
        self.nodes = [n for n in self.nodes if n not in fixed or keep.intersection(n.outputs)]
        self._drop_unused()

    def constant(self, value: Array) -> str:
        """The name of a new constant."""
        name = self.new_name("constant")
        self.constants[name], self.shapes[name] = value, value.shape
        return name

    def new_name(self, word: str) -> str:
        """A name that nothing has."""
        self._made += 1
        return f"{word}.{self._made}"

    def users(self) -> dict[str, list[Node]]:
        """The nodes that read each value, one entry for each time."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                found.setdefault(name, []).append(node)
        return found

    def bypass(self, node: Node) -> bool:
        """Removes a node that gives its first input unchanged; False where names forbid it."""
        source, target = node.inputs[0], node.outputs[0]
        if target in self.outputs:
            made = [n for n in self.nodes if source in n.outputs]
            if not made or source in self.outputs:
                return False
            source, target = target, source
        self.nodes.remove(node)
        for other in self.nodes:
            other.inputs = [source if n == target else n for n in other.inputs]
            other.outputs = [source if n == target else n for n in other.outputs]
        self.shapes[source] = self.shapes.get(source, self.shapes[target])
        return True

    def _drop_unused(self) -> None:
        while True:
            used = Counter(name for node in self.nodes for name in node.inputs)
            used.update(list(self.outputs))
            kept = [n for n in self.nodes if any(o in used for o in n.outputs)]
            if len(kept) == len(self.nodes):
                break
            self.nodes = kept
        self.constants = {n: v for n, v in self.constants.items() if n in used}


def input_shapes(model: onnx.ModelProto) -> dict[str, Shape]:
    """The shapes of a model's inputs by name."""
    return {v.name: _dims(v) for v in model.graph.input}


def run_model(model: onnx.ModelProto, inputs: dict[str, Array]) -> dict[str, Array]:
    """All outputs of a model by name, computed without any rewriting by the runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def _dims(value: onnx.ValueInfoProto) -> Shape:
    return tuple(d.dim_value for d in value.type.tensor_type.shape.dim)


def _node(node: onnx.NodeProto) -> Node:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return Node(node.op_type, node.input, node.output, **attributes)
