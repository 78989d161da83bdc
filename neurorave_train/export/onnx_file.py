"""Writing a graph as ONNX, and checking that TensorRT 8.2 would take it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper, shape_inference

from neurorave_train.export.graphs import Graph
from neurorave_train.export.simplify import simplify

OPSET = 13

# What the ONNX parser of TensorRT 8.2 imports in float32 (onnx-tensorrt, branch release/8.2-GA,
# docs/operators.md), without the operators that are random or read shapes at run time.
OPERATORS = frozenset(
    "Abs Add ArgMax ArgMin BatchNormalization Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cast "
    "DepthToSpace Div Elu Equal Erf Exp Expand Flatten Gather Gemm Greater HardSigmoid Identity "
    "InstanceNormalization LeakyRelu Less Log LogSoftmax MatMul Max Min Mul Neg Not Pad Pow PRelu "
    "Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape "
    "Selu Shape Sigmoid Sin Sinh Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tan "
    "Tanh ThresholdedRelu Tile Transpose Unsqueeze Upsample Where".split()
)


def write_onnx(graph: Graph, path: Path) -> None:
    """Exports one graph with static shapes, simplified, with the shape of every value."""
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
    model = shape_inference.infer_shapes(simplify(onnx.load(str(path))), strict_mode=True)
    # No creation dates or paths: the same weights give the same file.
    model.producer_version = ""
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def lint(path: Path) -> list[str]:
    """Sentences on everything in an ONNX file that TensorRT 8.2 would reject; empty if none.

    Source of the rules: HARDWARE notes on onnx-tensorrt release/8.2-GA (opset up to 13, 1-D
    convolutions only through inserted shuffles, weights as initialisers, no double or 64-bit I/O).
    """
    model = onnx.load(str(path))
    found = []
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > OPSET:
            found.append(f"{path.name}: opset {entry.version}, at most {OPSET} is allowed")
        elif entry.domain not in ("", "ai.onnx"):
            found.append(f"{path.name}: operators of the domain {entry.domain} are not allowed")
    constants = {i.name for i in model.graph.initializer}
    constants |= {o for n in model.graph.node if n.op_type == "Constant" for o in n.output}
    ranks = {
        v.name: len(v.type.tensor_type.shape.dim)
        for v in (*model.graph.value_info, *model.graph.input, *model.graph.output)
    }
    for node in model.graph.node:
        label = f"{path.name}: {node.op_type} {node.name}"
        if node.op_type not in OPERATORS:
            found.append(f"{label} is not known to TensorRT 8.2")
        if node.op_type in ("Conv", "ConvTranspose"):
            if ranks.get(node.input[0], 0) != 4:
                found.append(f"{label} must work on four dimensions")
            if any(name not in constants for name in node.input[1:]):
                found.append(f"{label} must have constant weights")
    for kind, values in (("input", model.graph.input), ("output", model.graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            if tensor.elem_type != TensorProto.FLOAT:
                found.append(f"{path.name}: {kind} {value.name} must be float32")
            if any(d.WhichOneof("value") != "dim_value" for d in tensor.shape.dim):
                found.append(f"{path.name}: {kind} {value.name} must have a static shape")
    for initialiser in model.graph.initializer:
        if initialiser.data_type in (TensorProto.DOUBLE, TensorProto.COMPLEX64):
            found.append(f"{path.name}: {initialiser.name} must not be double or complex")
    return found


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
