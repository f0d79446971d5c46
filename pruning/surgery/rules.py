"""How labels flow through each operation: sums couple channels, products of matrices make new ones.

A rule either knows exactly what happens to channels, or stops them (`Call.stop`). The
operations are ATen's as they appear in inference mode, before they are decomposed.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.surgery.labels import varying
from pruning.surgery.layer_kinds import CONVOLUTIONS, BatchNorm
from pruning.surgery.rearranging import REARRANGING
from pruning.surgery.trace import Call, Rule, only_along


def find_rule(function: Any) -> Rule | None:
    """Return the rule of an operation, or None if it has none."""
    name = function._overloadpacket.__name__
    if name in RULES:
        return RULES[name]
    if name.removesuffix("_") in SAME_SHAPE or torch.Tag.pointwise in function.tags:
        return elementwise
    return REARRANGING.get(name)


def elementwise(call: Call) -> None:
    """Couple what meets position by position."""
    labels = torch.zeros([1] * call.out.ndim, dtype=torch.int64)
    shape = (1,) * call.out.ndim
    for tensor in call.tensors():
        pad = call.out.ndim - tensor.ndim
        other = call.labels(tensor).reshape((1,) * pad + tuple(call.labels(tensor).shape))
        other_shape = (1,) * pad + tuple(tensor.shape)
        labels = _meet(call, labels, shape, other, other_shape)
        shape = tuple(max(pair) for pair in zip(shape, other_shape, strict=True))
    call.emit(labels)


elementwise.elementwise = True  # type: ignore[attr-defined]


def _meet(
    call: Call, a: Tensor, a_shape: tuple[int, ...], b: Tensor, b_shape: tuple[int, ...]
) -> Tensor:
    """Return the labels of two operands combined; couple or block as their shapes demand."""
    if varying(a) == varying(b) and (varying(a) or (bool(a.any()) and bool(b.any()))):
        call.trace.labels.couple(a, b, call.reason)
        return a
    if not b.any() and _spread_over(b_shape, a):
        return a
    if not a.any() and _spread_over(a_shape, b):
        return b
    for labels in (a, b):
        call.trace.labels.block(labels, call.reason)
    return a if a.any() else b


def _spread_over(shape: tuple[int, ...], labels: Tensor) -> bool:
    """Whether a value without channels is the same for every channel of these labels."""
    return all(shape[axis] == 1 for axis in varying(labels))


def convolution(call: Call) -> None:
    """A convolution reads its input channels and makes new ones; a grouped one has paths."""
    name, module = call.trace.owner(call.argument("weight"))
    value = call.args[0]
    axis = value.ndim - 1 - (call.argument("weight").ndim - 2)
    if not isinstance(module, CONVOLUTIONS) or not only_along(call.labels(value), axis):
        return call.stop()
    labels = _line(call.labels(value), module.in_channels)
    if module.groups == 1:
        call.trace.side(name, "in", labels, call.reason)
        return _produce(call, name, module.out_channels, axis)
    per_path = module.out_channels // module.groups
    paths = labels.reshape(module.groups, -1)
    call.trace.labels.couple(paths, paths[:, :1], call.reason)
    passed = paths[:, :1].expand(-1, per_path).flatten()
    call.trace.side(name, "through", passed, call.reason)
    call.emit(_along(passed, axis, value.ndim))
    return None


def linear(call: Call) -> None:
    """A linear layer reads features on the last axis and makes new ones."""
    name, module = call.trace.owner(call.argument("weight"))
    value = call.args[0]
    if not isinstance(module, nn.Linear) or not only_along(call.labels(value), value.ndim - 1):
        return call.stop()
    labels = _line(call.labels(value), module.in_features)
    call.trace.side(name, "in", labels, call.reason)
    return _produce(call, name, module.out_features, value.ndim - 1)


def _produce(call: Call, name: str, count: int, axis: int) -> None:
    known = call.trace.sides.get((name, "out"))
    labels = call.trace.labels.fresh(count) if known is None else known
    call.trace.side(name, "out", labels, call.reason)
    call.emit(_along(labels, axis, call.out.ndim))
    call.trace.made[name] = call.trace.values[id(call.out)].number, axis


def batch_norm(call: Call) -> None:
    """Each channel is normalised by itself."""
    held = [call.argument(key) for key in ("weight", "running_mean")]
    owners = [call.trace.owner(t) for t in held if t is not None]
    labels = call.labels(call.args[0])
    foreign = any(module is None for _, module in owners)
    if foreign or not only_along(labels, 1):
        return call.stop()
    if owners:
        name, module = owners[0]
        if not isinstance(module, BatchNorm):
            return call.stop()
        call.trace.side(name, "through", _line(labels, module.num_features), call.reason)
    call.emit(labels)
    return None


batch_norm.elementwise = True  # type: ignore[attr-defined]


def prelu(call: Call) -> None:
    """A leaky ReLU whose slopes are learned, one for all channels or one each."""
    name, module = call.trace.owner(call.argument("weight"))
    labels = call.labels(call.args[0])
    if not isinstance(module, nn.PReLU) or not only_along(labels, 1):
        return call.stop()
    if module.num_parameters > 1:
        line = _line(labels, module.num_parameters)
        call.trace.side(name, "through", line, call.reason)
    call.emit(labels)
    return None


prelu.elementwise = True  # type: ignore[attr-defined]


def spatial(call: Call) -> None:
    """Pooling and resizing leave channels alone."""
    found = re.search(r"(\d)d", call.name)
    rank = int(found.group(1)) if found else call.args[0].ndim
    labels = call.labels(call.args[0])
    if any(axis >= labels.ndim - rank for axis in varying(labels)):
        return call.stop()
    call.emit(labels)
    return None


def reduction(call: Call) -> None:
    """A mean over positions leaves channels alone; one over channels does not."""
    labels = call.labels(call.args[0])
    axes = [d.name for d in call.function._schema.arguments]
    dims = call.argument("dim") if "dim" in axes else None
    dims = [dims] if isinstance(dims, int) else dims
    every = range(labels.ndim)
    reduced = {d % labels.ndim for d in dims} if dims else set(every)
    if reduced & varying(labels) or not isinstance(call.out, Tensor):
        return call.stop()
    keepdim = bool(call.argument("keepdim")) if "keepdim" in axes else False
    shape = [labels.shape[d] for d in every if keepdim or d not in reduced]
    call.emit(labels.reshape(shape))
    return None


def padding(call: Call) -> None:
    """Padding positions leaves channels alone; padded channels belong to nobody."""
    value, widths = call.args[0], call.argument("pad")
    labels = call.labels(value)
    padded = {value.ndim - 1 - i // 2 for i, width in enumerate(widths) if width}
    if not padded & varying(labels):
        return call.emit(labels)
    if call.name == "pad" and call.argument("mode") != "constant":
        return call.stop()
    axis = min(padded & varying(labels))
    if len(padded & varying(labels)) > 1:
        return call.stop()
    before, after = widths[2 * (value.ndim - 1 - axis) :][:2]
    line = _line(labels, value.shape[axis]) if only_along(labels, axis) else None
    if line is None:
        return call.stop()
    return call.emit(_along(nn.functional.pad(line, (before, after)), axis, value.ndim))


def decision(call: Call) -> None:
    """A number read from a tensor steers the program: another input may take another path."""
    raise RequestError(
        f"the forward pass of {call.trace.where or type(call.trace.network).__name__!r} depends "
        f"on the values of its input ({call.name.strip('_')}); such a network cannot be pruned, "
        "make its control flow the same for every input"
    )


def _line(labels: Tensor, count: int) -> Tensor:
    """Return labels that differ along one axis at most as a line of this length."""
    return labels.flatten().expand(count).clone()


def _along(line: Tensor, axis: int, ndim: int) -> Tensor:
    return line.reshape([-1 if d == axis else 1 for d in range(ndim)])


SAME_SHAPE = {
    "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout",
    "hardswish", "selu", "celu", "mish", "rrelu", "clone", "contiguous", "to", "detach", "alias",
    "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like",
}  # fmt: skip

_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool")

RULES: dict[str, Rule] = {
    **{f"conv{d}d": convolution for d in (1, 2, 3)},
    **{f"{pool}{d}d": spatial for pool in _POOLS for d in (1, 2, 3)},
    **{f"max_pool{d}d_with_indices": spatial for d in (1, 2, 3)},
    **{
        f"upsample_{kind}": spatial
        for kind in ("nearest1d", "nearest2d", "nearest3d", "bilinear2d", "bicubic2d", "linear1d")
    },
    "linear": linear,
    "batch_norm": batch_norm,
    "prelu": prelu,
    "mean": reduction, "sum": reduction, "amax": reduction, "amin": reduction,
    "pad": padding, "constant_pad_nd": padding,
    "_local_scalar_dense": decision, "item": decision, "is_nonzero": decision, "equal": decision,
    "layer_norm": Call.stop, "group_norm": Call.stop, "instance_norm": Call.stop,
    "scaled_dot_product_attention": Call.stop, "softmax": Call.stop, "copy_": Call.stop,
    "conv_transpose1d": Call.stop, "conv_transpose2d": Call.stop, "conv_transpose3d": Call.stop,
    "matmul": Call.stop, "einsum": Call.stop, "bilinear": Call.stop,
    "lstm": Call.stop, "gru": Call.stop, "rnn_tanh": Call.stop, "rnn_relu": Call.stop,
}  # fmt: skip
