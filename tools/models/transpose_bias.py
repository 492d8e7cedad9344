# SPDX-License-Identifier: Apache-2.0
"""Rewrites MediaPipe's own operator in a TFLite model by standard ones: transpose_bias.py IN OUT

Convolution2DTransposeBias is TRANSPOSE_CONV and an ADD of the bias; no run time but MediaPipe's knows it. Needs
`flatbuffers` and the schema module of `ai_edge_litert` on the path. The same input gives the same bytes.
"""

from __future__ import annotations

import struct
import sys

import flatbuffers
import schema_py_generated as schema

CUSTOM = b"Convolution2DTransposeBias"


def operator_code(model, builtin: int) -> int:
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin and not code.customCode:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def add_tensor(graph, name: bytes, shape: list[int], kind: int, buffer: int = 0) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def replace(model, graph, operator) -> list:
    source, weights, bias = operator.inputs
    target = operator.outputs[0]
    shape = [int(side) for side in graph.tensors[target].shape]
    before = [int(side) for side in graph.tensors[source].shape]
    constant = schema.BufferT()
    constant.data = list(struct.pack("<4i", *shape))
    model.buffers.append(constant)
    size = add_tensor(graph, b"shape_%d" % target, [4], schema.TensorType.INT32, len(model.buffers) - 1)
    middle = add_tensor(graph, b"transposed_%d" % target, shape, graph.tensors[target].type)

    transpose = schema.OperatorT()
    transpose.opcodeIndex = operator_code(model, schema.BuiltinOperator.TRANSPOSE_CONV)
    transpose.inputs, transpose.outputs = [size, int(weights), int(source)], [middle]
    transpose.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
    transpose.builtinOptions = options = schema.TransposeConvOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH, options.strideW = shape[1] // before[1], shape[2] // before[2]

    add = schema.OperatorT()
    add.opcodeIndex = operator_code(model, schema.BuiltinOperator.ADD)
    add.inputs, add.outputs = [middle, int(bias)], [int(target)]
    add.builtinOptionsType, add.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    return [transpose, add]


def main() -> int:
    data = open(sys.argv[1], "rb").read()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    graph = model.subgraphs[0]
    custom = {i for i, code in enumerate(model.operatorCodes) if code.customCode and CUSTOM in code.customCode}
    operators, found = [], 0
    for operator in graph.operators:
        if operator.opcodeIndex in custom:
            operators += replace(model, graph, operator)
            found += 1
        else:
            operators.append(operator)
    if not found:
        print(f"{sys.argv[1]}: no {CUSTOM.decode()} in it", file=sys.stderr)
        return 1
    graph.operators = operators
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    open(sys.argv[2], "wb").write(bytes(builder.Output()))
    return 0


sys.exit(main())
