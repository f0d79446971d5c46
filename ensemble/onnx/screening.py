"""What an ONNX file may hold: looked at before onnxruntime runs any of it.

A graph is a program. One with a loop may never end, and weights may be said to stand in any file
of the machine. So operators come from a list, and nothing stands outside the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ensemble.onnx.protobuf import fields_of, texts, within
from pruning.core.errors import RequestError

_NAMES = """
Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization
BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu
CenterCropPad Clip Col2Im Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh
CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout DynamicQuantizeLinear
Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm
GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization
HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN
LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul
MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization Min Mish Mod Mul Neg
Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN Range
Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT
ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus
Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum SwiGLU Swish Tan Tanh ThresholdedRelu Tile TopK
Transpose Trilu Unsqueeze Upsample Where Xor
"""

OPERATORS = frozenset(_NAMES.split())
"""ONNX's operators without state, chance, control flow, texts and sequences, whose answers' sizes
follow from their inputs'. (Dropout is chance only where a graph asks it to train.)"""

DOMAINS = frozenset(("", "ai.onnx"))

# the fields of onnx.proto that are looked at
GRAPH, _FUNCTIONS, _TRAINING = 7, 25, 20
NODE, INITIALIZER, _SPARSE, INPUT, OUTPUT = 1, 5, 15, 11, 12
_NODE_OUTPUT, _OPERATOR, _ATTRIBUTE, _DOMAIN = 2, 4, 5, 7
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS, _SPARSE_TENSORS = 5, 6, 10, 11, (22, 23)
_EXTERNAL, _LOCATION = 13, 14
_DIMENSION_NAME = (2, 1, 2, 1, 2)
"""ValueInfo → type → tensor → shape → dimension → its name."""


@dataclass(frozen=True)
class Screened:
    """What a graph's bytes say of it, nothing computed.

    Attributes
    ----------
    values
        The names of all that its nodes put out.
    outputs
        The names of what it puts out itself.
    dimensions
        The names of those lengths of its inputs and outputs that are left open.
    """

    values: tuple[str, ...]
    outputs: tuple[str, ...]
    dimensions: tuple[str, ...]


def screen(
    graph: bytes,
    source: str,
    operators: Collection[str] = OPERATORS,
    domains: Collection[str] = DOMAINS,
) -> Screened:
    """Refuse a graph that holds anything but operators of the list and numbers of its own.

    Parameters
    ----------
    graph
        ONNX's bytes.
    source
        What to call it in an error.
    operators, domains
        What its nodes may be.

    Raises
    ------
    RequestError
        If it is no ONNX, or has other operators, functions, graphs in its nodes (as loops and
        branches have), or numbers in other files.
    """
    try:
        return _screened(memoryview(graph), source, operators, domains)
    except RequestError:
        raise
    except ValueError as error:
        raise RequestError(f"{source} is not ONNX: {error}") from error


def _screened(
    model: memoryview, source: str, operators: Collection[str], domains: Collection[str]
) -> Screened:
    values, outputs, dimensions = list[str](), list[str](), list[str]()
    for number, graph in fields_of(model):
        if number in (_FUNCTIONS, _TRAINING):
            raise RequestError(f"{source}: its graph has functions of its own; allowed are none")
        if number != GRAPH or not isinstance(graph, memoryview):
            continue
        for part, content in fields_of(graph):
            if not isinstance(content, memoryview):
                continue
            if part == NODE:
                _check_node(content, source, operators, domains)
                values += texts(content, _NODE_OUTPUT)
            elif part == INITIALIZER:
                _check_tensor(content, source)
            elif part == _SPARSE:
                raise RequestError(f"{source}: its graph has sparse numbers; allowed are plain")
            elif part == INPUT:
                dimensions += texts(content, *_DIMENSION_NAME)
            elif part == OUTPUT:
                outputs += texts(content, 1)
                dimensions += texts(content, *_DIMENSION_NAME)
    return Screened(tuple(filter(None, values)), tuple(outputs), tuple(dict.fromkeys(dimensions)))


def _check_node(
    node: memoryview, source: str, operators: Collection[str], domains: Collection[str]
) -> None:
    for name in texts(node, _OPERATOR):
        if name not in operators:
            raise RequestError(
                f"{source}: its graph has the operator {name[:80]!r}, with which no ensemble is "
                "read; use another operation in its place"
            )
    for domain in texts(node, _DOMAIN):
        if domain not in domains:
            raise RequestError(
                f"{source}: its graph has operators of {domain[:80]!r}; allowed are ONNX's own"
            )
    for number, attribute in (f for a in within(node, _ATTRIBUTE) for f in fields_of(a)):
        if number in (_SUBGRAPH, _SUBGRAPHS, *_SPARSE_TENSORS):
            raise RequestError(f"{source}: its graph has graphs or sparse numbers in its nodes")
        if number in (_TENSOR, _TENSORS) and isinstance(attribute, memoryview):
            _check_tensor(attribute, source)


def _check_tensor(tensor: memoryview, source: str) -> None:
    for number, value in fields_of(tensor):
        if number == _EXTERNAL or (number == _LOCATION and value != 0):
            raise RequestError(
                f"{source}: its graph has numbers in another file; allowed is one file with all"
            )
