"""What TensorRT 8.2 would say of an ONNX file, found without TensorRT: nothing here can run it.

Sources: onnx-tensorrt, branch release/8.2-GA (docs/operators.md, README.md, builtin_op_importers.cpp): opset up to
13; a Gemm of matrices only; axes, sizes and limits as initialisers; 1-D convolutions only through inserted shuffles;
weights as initialisers. NVIDIA/TensorRT 8.2: at most 8 dimensions, no 64-bit or double data, an output is no input.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

OPSET = 13
# ONNX 1.8, which 8.2's parser is built with; ONNX Runtime 1.10 reads one more.
IR_VERSION = 7
MOST_DIMENSIONS = 8

# What the parser imports in float32, without the operators that are random or read shapes at run time.
OPERATORS = frozenset(
    "Abs Add ArgMax ArgMin BatchNormalization Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cast "
    "DepthToSpace Div Elu Equal Erf Exp Expand Flatten Floor Gather Gemm Greater HardSigmoid Identity "
    "InstanceNormalization LeakyRelu Less Log LogSoftmax MatMul Max Min Mul Neg Not Pad Pow PRelu "
    "Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape "
    "Selu Shape Sigmoid Sin Sinh Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tan "
    "Tanh ThresholdedRelu Tile Transpose Unsqueeze Upsample Where".split()
)

# Operators whose inputs from this number on must be initialisers.
CONSTANT_FROM = {
    "BatchNormalization": 1,
    "Clip": 1,
    "Conv": 1,
    "ConvTranspose": 1,
    "Expand": 1,
    "InstanceNormalization": 1,
    "PRelu": 1,
    "Pad": 1,
    "ReduceSum": 1,
    "Reshape": 1,
    "Slice": 1,
    "Split": 1,
    "Squeeze": 1,
    "Tile": 1,
    "Unsqueeze": 1,
}

_NUMBERS = (TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)
# Exporters write these for "to the end"; the parser clamps them, and a slice ends there all the same.
_TO_THE_END = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)


def lint(path: Path) -> list[str]:
    """Sentences on everything in an ONNX file that TensorRT 8.2 would reject; empty if none."""
    model = onnx.load(str(path), load_external_data=False)
    checks = (_version, _operators, _constants, _shapes, _ends)
    return [f"{path.name}: {fault}" for check in checks for fault in check(model)]


def _version(model: onnx.ModelProto) -> Iterator[str]:
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            yield f"operators of the domain {entry.domain} are not allowed"
        elif entry.version > OPSET:
            yield f"opset {entry.version}, at most {OPSET} is allowed"
    if model.ir_version > IR_VERSION:
        yield f"IR version {model.ir_version}, at most {IR_VERSION} is allowed"


def _operators(model: onnx.ModelProto) -> Iterator[str]:
    known = _known_constants(model)
    shapes = _known_shapes(model)
    for node in model.graph.node:
        label = f"{node.op_type} {node.name}"
        if node.op_type not in OPERATORS:
            yield f"{label} is not known to TensorRT 8.2"
        if node.op_type in ("Conv", "ConvTranspose") and len(shapes.get(node.input[0], ())) != 4:
            yield f"{label} must work on four dimensions"
        if node.op_type == "Gemm" and any(
            len(shapes.get(name, ())) != 2 for name in node.input[:2]
        ):
            yield f"{label} must work on two dimensions"
        first = CONSTANT_FROM.get(node.op_type, len(node.input))
        for name in node.input[first:]:
            if name and name not in known:
                yield f"{label} must have constant weights and sizes, {name} is computed"
        if node.op_type == "BatchNormalization" and len(node.output) > 1:
            yield f"{label} must not be in training mode"
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i not in _NUMBERS:
                yield f"{label} must not turn values into double, half precision or text"


def _constants(model: onnx.ModelProto) -> Iterator[str]:
    for constant in model.graph.initializer:
        if constant.data_location == TensorProto.EXTERNAL:
            yield f"{constant.name} must be inside the file: plans are built from its bytes"
        elif constant.data_type not in _NUMBERS:
            yield f"{constant.name} must not be {TensorProto.DataType.Name(constant.data_type)}"
        elif constant.data_type == TensorProto.INT64:
            values = numpy_helper.to_array(constant)
            small = values[~np.isin(values, _TO_THE_END)]
            if (small != small.astype(np.int32)).any():
                yield f"{constant.name} does not fit into 32 bits"


def _shapes(model: onnx.ModelProto) -> Iterator[str]:
    for kind, values in (("input", model.graph.input), ("output", model.graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            if tensor.elem_type != TensorProto.FLOAT:
                yield f"{kind} {value.name} must be float32"
            if any(d.WhichOneof("value") != "dim_value" for d in tensor.shape.dim):
                yield f"{kind} {value.name} must have a static shape"
    for name, shape in _known_shapes(model).items():
        if len(shape) > MOST_DIMENSIONS:
            yield f"{name} has {len(shape)} dimensions, at most {MOST_DIMENSIONS} are allowed"
        if 0 in shape:
            yield f"{name} has the shape {shape}, nothing may be empty"


def _ends(model: onnx.ModelProto) -> Iterator[str]:
    """A tensor is either an input, or a constant, or computed; outputs are computed, each by itself."""
    computed = [name for node in model.graph.node for name in node.output if name]
    made = set(computed) - _known_constants(model)
    outputs = [value.name for value in model.graph.output]
    for name in outputs:
        if name not in made:
            yield f"output {name} must be computed, not an input or a constant"
    for name in sorted({name for name in outputs if outputs.count(name) > 1}):
        yield f"output {name} is there twice"
    inputs = {value.name for value in model.graph.input}
    for name in sorted(inputs & {i.name for i in model.graph.initializer}):
        yield f"input {name} must not be a constant too"


def _known_constants(model: onnx.ModelProto) -> set[str]:
    known = {i.name for i in model.graph.initializer}
    return known | {o for n in model.graph.node if n.op_type == "Constant" for o in n.output}


def _known_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = model.graph
    shapes = {
        v.name: tuple(d.dim_value if d.HasField("dim_value") else -1 for d in dims)
        for v in (*graph.value_info, *graph.input, *graph.output)
        for dims in (v.type.tensor_type.shape.dim,)
    }
    shapes.update({i.name: tuple(i.dims) for i in graph.initializer})
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    shapes[node.output[0]] = tuple(attribute.t.dims)
    return shapes
