"""Fewer operators for the same result: a frame is so little arithmetic that operators cost the time.

ONNX Runtime does part of this when it loads a graph, TensorRT 8.2 another part, and both leave what
only the exporter can know: that the batch is one, and that the shapes of states may be chosen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from neurorave_train.export.static_graph import Node, StaticGraph, input_shapes, run_model
from neurorave_train.export.unbatch import drop_batch

# Random inputs must give the same result to this part of one plus its size.
TOLERANCE = 1e-4
RESHAPING = ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity")


def simplify(model: onnx.ModelProto, check: bool = True) -> onnx.ModelProto:
    """The same graph with fewer operators; states may lose leading dimensions of one.

    Raises RuntimeError where the results differ, which would be a fault of a pass in here.
    """
    graph = StaticGraph(model)
    steps: tuple[Callable[[StaticGraph], None], ...] = (
        _tidy,
        drop_batch,
        _tidy,
        _gemms,
        _merge_products,
        _split_slices,
        _tidy,
        _share,
    )
    for step in steps:
        step(graph)
        graph.measure()
    simple = graph.model()
    if check:
        _compare(model, simple)
    return simple


def _tidy(graph: StaticGraph) -> None:
    """Removes what moves no data, and makes one Reshape of each chain of reshapings."""
    for node in list(graph.nodes):
        if node.op == "Concat":
            node.inputs = [n for n in node.inputs if 0 not in graph.shapes[n]] or node.inputs[:1]
        if _keeps_order(graph, node):
            if graph.shapes[node.inputs[0]] == graph.shapes[node.outputs[0]]:
                if graph.bypass(node):
                    continue
            target = np.array(graph.shapes[node.outputs[0]], dtype=np.int64)
            node.op, node.attributes = "Reshape", {}
            node.inputs = [node.inputs[0], graph.constant(target)]
    made = {o: n for n in graph.nodes for o in n.outputs}
    for node in graph.nodes:
        if node.op == "Reshape":
            while (before := made.get(node.inputs[0])) is not None and before.op == "Reshape":
                node.inputs[0] = before.inputs[0]
    for node in list(graph.nodes):
        if node.op == "Reshape":
            if graph.shapes[node.inputs[0]] == graph.shapes[node.outputs[0]]:
                graph.bypass(node)


def _keeps_order(graph: StaticGraph, node: Node) -> bool:
    """Whether the output holds exactly the elements of the first input in their order."""
    if node.op in RESHAPING:
        return True
    before, after = (graph.shapes.get(n, ()) for n in (node.inputs[0], node.outputs[0]))
    if node.op == "Transpose":
        long = [axis for axis in node.attributes["perm"] if before[axis] != 1]
        return long == sorted(long)
    if node.op == "Concat":
        return len(node.inputs) == 1
    if node.op == "Slice":
        forwards = len(node.inputs) < 5 or (graph.constants[node.inputs[4]] > 0).all()
        return before == after and bool(forwards)
    if node.op == "Expand":
        return before == after
    if node.op == "Gather":
        index = graph.constants.get(node.inputs[1])
        size = before[node.attributes.get("axis", 0)]
        return index is not None and np.array_equal(index.reshape(-1), np.arange(size))
    return node.op == "Split" and len(node.outputs) == 1


def _gemms(graph: StaticGraph) -> None:
    """MatMul by a constant and Add of a constant row become one Gemm."""
    users = graph.users()
    for node in list(graph.nodes):
        if not _is_product(graph, node) or node.op == "Gemm":
            continue
        target = node.outputs[0]
        added = users.get(target, [])
        if len(added) != 1 or added[0].op != "Add" or target in graph.outputs:
            continue
        other = [n for n in added[0].inputs if n != target]
        width = graph.shapes[target][1]
        if len(other) == 1 and other[0] in graph.constants:
            if graph.constants[other[0]].size == width and graph.shapes[other[0]][-1] == width:
                row = graph.constant(graph.constants[other[0]].reshape(width))
                node.op, node.inputs = "Gemm", [*node.inputs, row]
                node.outputs = added[0].outputs
                graph.nodes.remove(added[0])


def _is_product(graph: StaticGraph, node: Node) -> bool:
    """Whether a node is a matrix product of [T, inputs] and a constant, plus a constant row or not."""
    if node.op not in ("MatMul", "Gemm") or len(graph.shapes[node.inputs[0]]) != 2:
        return False
    if node.op == "Gemm":
        plain = node.attributes.get("transA", 0) == 0
        plain &= node.attributes.get("alpha", 1.0) == node.attributes.get("beta", 1.0) == 1.0
        row = len(node.inputs) == 3 and node.inputs[2] in graph.constants
        if not (plain and row and graph.constants[node.inputs[2]].ndim == 1):
            return False
    weight = graph.constants.get(node.inputs[1])
    return weight is not None and weight.ndim == 2 and node.inputs[0] not in graph.constants


def _merge_products(graph: StaticGraph) -> None:
    """Products of one value with several constants become one product and a Split."""
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if _is_product(graph, node):
            groups.setdefault(node.inputs[0], []).append(node)
    for source, group in groups.items():
        if len(group) < 2:
            continue
        weights, rows = [], []
        for node in group:
            weight = graph.constants[node.inputs[1]]
            weight = weight.T if node.attributes.get("transB", 0) else weight
            row = graph.constants[node.inputs[2]] if len(node.inputs) == 3 else None
            weights.append(weight)
            rows.append(np.zeros(weight.shape[1], np.float32) if row is None else row)
        merged = graph.new_name("product")
        inputs = [source, graph.constant(np.ascontiguousarray(np.hstack(weights)))]
        op = "MatMul"
        if any(row.any() for row in rows):
            op, inputs = "Gemm", [*inputs, graph.constant(np.hstack(rows))]
        sizes = graph.constant(np.array([w.shape[1] for w in weights], dtype=np.int64))
        place = graph.nodes.index(group[0])
        outputs = [node.outputs[0] for node in group]
        graph.nodes[place:place] = [
            Node(op, inputs, [merged]),
            Node("Split", [merged, sizes], outputs, axis=1),
        ]
        for node in group:
            graph.nodes.remove(node)
    graph.measure()


def _split_slices(graph: StaticGraph) -> None:
    """Slices that share out a value become one Split, a Split of a Split's output part of the first."""
    users = graph.users()
    for source, nodes in list(users.items()):
        if source in graph.outputs or source in graph.constants or len(nodes) < 2:
            continue
        if any(n.op != "Slice" for n in nodes):
            continue
        found = [_range(graph, n) for n in nodes]
        parts = sorted((r for r in found if r is not None), key=lambda r: r[1])
        axes = {axis for axis, _, _ in parts}
        if len(parts) != len(nodes) or len(axes) != 1:
            continue
        axis = axes.pop()
        ends = [0, *(end for _, _, end in parts)]
        starts = [*(start for _, start, _ in parts), graph.shapes[source][axis]]
        if ends != starts:
            continue
        order = sorted(nodes, key=lambda n: (_range(graph, n) or (0, 0, 0))[1])
        sizes = np.diff(ends).astype(np.int64)
        split = Node(
            "Split",
            [source, graph.constant(sizes)],
            [n.outputs[0] for n in order],
            axis=axis,
        )
        graph.nodes[graph.nodes.index(nodes[0])] = split
        graph.nodes = [n for n in graph.nodes if n not in nodes]
    _flatten_splits(graph)


def _range(graph: StaticGraph, node: Node) -> tuple[int, int, int] | None:
    """(axis, start, end) of a Slice along one axis in steps of one, else None."""
    shape = graph.shapes[node.inputs[0]]
    if len(node.inputs) < 4 or any(n not in graph.constants for n in node.inputs[1:]):
        return None
    start, end, axis, *step = (graph.constants[n].tolist() for n in node.inputs[1:])
    if len(axis) != 1 or step not in ([], [[1]]):
        return None
    low, high, _ = slice(start[0], end[0]).indices(shape[axis[0]])
    return axis[0] % len(shape), low, high


def _flatten_splits(graph: StaticGraph) -> None:
    made = {o: n for n in graph.nodes if n.op == "Split" for o in n.outputs}
    users = graph.users()
    for node in [n for n in graph.nodes if n.op == "Split"]:
        source = node.inputs[0]
        outer = made.get(source)
        if outer is None or len(users[source]) != 1 or source in graph.outputs:
            continue
        rank = len(graph.shapes[source])
        axis = outer.attributes.get("axis", 0) % rank
        if node.attributes.get("axis", 0) % rank != axis:
            continue
        place = outer.outputs.index(source)
        outer.outputs[place : place + 1] = node.outputs
        made.update((o, outer) for o in node.outputs)
        sizes = np.array([graph.shapes[o][axis] for o in outer.outputs], dtype=np.int64)
        outer.inputs = [outer.inputs[0], graph.constant(sizes)]
        graph.nodes.remove(node)


def _share(graph: StaticGraph) -> None:
    """Computes once what is computed several times, and stores equal constants once."""
    names: dict[tuple[object, ...], str] = {}
    for name, value in list(graph.constants.items()):
        kept = names.setdefault((value.dtype.str, value.shape, value.tobytes()), name)
        if kept != name:
            for node in graph.nodes:
                node.inputs = [kept if n == name else n for n in node.inputs]
    seen: dict[tuple[object, ...], Node] = {}
    for node in list(graph.nodes):
        key = (node.op, tuple(node.inputs), repr(sorted(node.attributes.items())))
        first = seen.setdefault(key, node)
        if first is not node and not set(node.outputs) & set(graph.outputs):
            swap = dict(zip(node.outputs, first.outputs, strict=True))
            graph.nodes.remove(node)
            for other in graph.nodes:
                other.inputs = [swap.get(n, n) for n in other.inputs]


def _compare(model: onnx.ModelProto, simple: onnx.ModelProto) -> None:
    """Runs both on the same random inputs; raises RuntimeError where an output differs."""
    random = np.random.default_rng(0)
    shapes = input_shapes(model)
    values = {n: 0.3 * random.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    wanted = run_model(model, values)
    reshaped = {n: values[n].reshape(s) for n, s in input_shapes(simple).items()}
    for name, found in run_model(simple, reshaped).items():
        away = np.abs(found.reshape(-1) - wanted[name].reshape(-1))
        if not (away <= TOLERANCE * (1.0 + np.abs(wanted[name].reshape(-1)))).all():
            raise RuntimeError(f"simplifying changed {name} by up to {away.max():.2g}")
