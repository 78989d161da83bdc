"""Writing a graph as ONNX, and counting what is in it; what TensorRT 8.2 takes is in lint.py."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper, shape_inference

from neurorave_train.export.graphs import Graph
from neurorave_train.export.lint import OPSET
from neurorave_train.export.simplify import simplify


def write_onnx(graph: Graph, path: Path, check: bool = True) -> None:
    """Exports one graph with static shapes, simplified, with the shape of every value.

    Without `check` nobody compares the simplified graph with the plain one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            tuple(graph.inputs.values()),
            str(path),
            input_names=list(graph.inputs),
            output_names=graph.outputs,
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
    model = shape_inference.infer_shapes(simplify(onnx.load(str(path)), check), strict_mode=True)
    # No creation dates or paths: the same weights give the same file.
    model.producer_version = ""
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def count_parameters(path: Path) -> int:
    """Values of all float32 constants in an ONNX file."""
    model = onnx.load(str(path))
    floats = [i for i in model.graph.initializer if i.data_type == TensorProto.FLOAT]
    return int(sum(np.prod(i.dims) for i in floats))


def count_macs(path: Path) -> int:
    """Multiplications of one call: matrix products and convolutions with their inferred shapes."""
    model = onnx.load(str(path))
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*model.graph.value_info, *model.graph.input, *model.graph.output)
    }
    for initialiser in model.graph.initializer:
        shapes[initialiser.name] = list(initialiser.dims)
    for node in model.graph.node:
        if node.op_type == "Constant":
            value = next(a for a in node.attribute if a.name == "value")
            shapes[node.output[0]] = list(numpy_helper.to_array(value.t).shape)
    total = 0
    for node in model.graph.node:
        if node.op_type in ("MatMul", "Gemm"):
            total += int(np.prod(shapes[node.output[0]])) * shapes[node.input[0]][-1]
        elif node.op_type == "Conv":
            kernel = shapes[node.input[1]]
            total += int(np.prod(shapes[node.output[0]])) * int(np.prod(kernel[1:]))
    return total
