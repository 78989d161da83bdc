"""Dropping the batch dimension: a graph of one frame has a batch of one, and engines like matrices.

Products of matrices with a bias are one operator (Gemm) where those of stacks of matrices are a
product, an addition and often a reshape before and after.
"""

from __future__ import annotations

import numpy as np

from neurorave_train.export.static_graph import Node, Shape, StaticGraph

ELEMENTWISE = frozenset(
    "Abs Add Clip Cos Div Elu Equal Erf Exp Floor Greater LeakyRelu Less Log Max Min Mul Neg Pow PRelu "
    "Reciprocal Relu Sigmoid Sin Softplus Softsign Sqrt Sub Sum Tanh Where".split()
)
ALONG_AXIS = frozenset("Concat Split Softmax LogSoftmax Gather".split())
REDUCING = frozenset("ReduceMax ReduceMean ReduceMin ReduceSum".split())
STATE_IN, STATE_OUT = "state_in_", "state_out_"


def drop_batch(graph: StaticGraph) -> None:
    """Removes leading dimensions of one from all values with more than two dimensions.

    States lose them too; other inputs and outputs of the graph keep their shapes. A graph with an
    operator that cannot follow stays as it is.
    """
    while _droppable(graph) and all(_can_follow(graph, node) for node in graph.nodes):
        _drop_once(graph)


def _drops(shape: Shape) -> bool:
    return len(shape) > 2 and shape[0] == 1


def _short(shape: Shape) -> Shape:
    return shape[1:] if _drops(shape) else shape


def _droppable(graph: StaticGraph) -> bool:
    names = [o for n in graph.nodes for o in n.outputs if o not in graph.outputs]
    return any(_drops(graph.shapes[n]) for n in names if not _by_reshape_only(graph, n))


def _by_reshape_only(graph: StaticGraph, name: str) -> bool:
    """Whether a value lies between the graph's border and the reshapes that were put there."""
    return all(n.op == "Reshape" for n in graph.users().get(name, []))


def _can_follow(graph: StaticGraph, node: Node) -> bool:
    """Whether a node works on the same values without their leading dimensions of one."""
    shapes = [graph.shapes[n] for n in (*node.inputs, *node.outputs) if n]
    if not any(map(_drops, shapes)):
        return True
    before = graph.shapes[node.inputs[0]]
    if node.op in ELEMENTWISE or node.op in ("Reshape", "Expand"):
        return True
    if node.op == "MatMul":
        return all(len(s) > 1 for s in shapes)
    if node.op == "Gather" and len(graph.shapes[node.inputs[1]]) != 1:
        return False
    if node.op in ALONG_AXIS:
        return _axis(node.attributes.get("axis", 0), before) > 0
    if node.op in REDUCING or node.op == "Slice":
        axes = _axes(graph, node)
        return axes is not None and 0 not in axes
    return node.op == "Transpose" and node.attributes["perm"][0] == 0


def _axis(axis: int, shape: Shape) -> int:
    return axis % len(shape)


def _axes(graph: StaticGraph, node: Node) -> list[int] | None:
    """The axes of a Slice or a reduction, from 0 on; None where they are not constant."""
    place = {"Slice": 3, "ReduceSum": 1}.get(node.op)
    if place is None:
        axes = node.attributes.get("axes")
    else:
        axes = graph.constants[node.inputs[place]].tolist() if len(node.inputs) > place else None
    shape = graph.shapes[node.inputs[0]]
    return None if axes is None else [_axis(a, shape) for a in axes]


def _drop_once(graph: StaticGraph) -> None:
    border = _cut_border(graph)
    old = dict(graph.shapes)
    made: list[Node] = []
    for node in graph.nodes:
        made.append(node)
        if node not in border:
            made += _follow(graph, node, old)
    graph.nodes = made
    for name, value in list(graph.constants.items()):
        if _drops(value.shape):
            graph.constants[name] = value[0]
    for names in (graph.inputs, graph.outputs):
        for name, shape in names.items():
            if name.startswith((STATE_IN, STATE_OUT)):
                names[name] = _short(shape)
    graph.measure()


def _cut_border(graph: StaticGraph) -> list[Node]:
    """Puts a Reshape behind each input and before each output that keeps its shape."""
    border: list[Node] = []
    for name, shape in graph.inputs.items():
        if _drops(shape) and not name.startswith(STATE_IN):
            inner = graph.new_name(name)
            graph.shapes[inner] = shape
            _rename(graph, name, inner)
            border.append(_reshape(graph, name, inner, shape[1:]))
    graph.nodes[:0] = border
    for name, shape in graph.outputs.items():
        if _drops(shape) and not name.startswith(STATE_OUT):
            inner = graph.new_name(name)
            graph.shapes[inner] = shape
            _rename(graph, name, inner)
            border.append(_reshape(graph, inner, name, shape))
            graph.nodes.append(border[-1])
    return border


def _rename(graph: StaticGraph, name: str, inner: str) -> None:
    for node in graph.nodes:
        node.inputs = [inner if n == name else n for n in node.inputs]
        node.outputs = [inner if n == name else n for n in node.outputs]


def _reshape(graph: StaticGraph, source: str, target: str, shape: Shape) -> Node:
    return Node("Reshape", [source, graph.constant(np.array(shape, dtype=np.int64))], [target])


def _follow(graph: StaticGraph, node: Node, old: dict[str, Shape]) -> list[Node]:
    """Changes one node for inputs and outputs without leading ones; gives what must come after it."""
    before, after = old[node.inputs[0]], old[node.outputs[0]]
    if node.op in ("Reshape", "Expand"):
        node.inputs[1] = graph.constant(np.array(_short(after), dtype=np.int64))
        return []
    if not _drops(before):
        return []
    if node.op in ALONG_AXIS:
        node.attributes["axis"] = _axis(node.attributes.get("axis", 0), before) - 1
    elif node.op == "Transpose":
        node.attributes["perm"] = [axis - 1 for axis in node.attributes["perm"][1:]]
    elif node.op == "Slice" or node.op in REDUCING:
        axes = np.array(_axes(graph, node), dtype=np.int64) - 1
        if node.op in REDUCING and not node.attributes.get("keepdims", 1):
            return _keep_dimensions(graph, node, axes, _short(after))
        _set_axes(graph, node, axes)
    return []


def _set_axes(graph: StaticGraph, node: Node, axes: np.ndarray) -> None:
    place = {"Slice": 3, "ReduceSum": 1}.get(node.op)
    if place is None:
        node.attributes["axes"] = axes.tolist()
    else:
        node.inputs[place] = graph.constant(axes)


def _keep_dimensions(graph: StaticGraph, node: Node, axes: np.ndarray, shape: Shape) -> list[Node]:
    """Lets a reduction keep its dimensions: the output may not have lost its leading one."""
    _set_axes(graph, node, axes)
    node.attributes["keepdims"] = 1
    target, node.outputs = node.outputs[0], [graph.new_name("reduced")]
    return [_reshape(graph, node.outputs[0], target, shape)]
