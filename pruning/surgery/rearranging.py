"""Operations that only rearrange values: views, concatenations, splits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pruning.surgery.labels import compact, varying
from pruning.surgery.trace import Call, Rule, as_compact


def rearrange(call: Call) -> None:
    """Axes change places, or axes of length 1 come and go."""
    value, rest = call.args[0], call.args[1:]
    labels = as_compact(
        call.labels(value), value.shape, lambda t: call.function(t, *rest, **call.kwargs)
    )
    call.emit(labels)


def expand(call: Call) -> None:
    """Axes of length 1 are repeated; a single channel must not become several."""
    labels = call.labels(call.args[0])
    if not varying(labels) and labels.any() and call.out.numel() > call.args[0].numel():
        return call.stop()
    return call.emit(labels.reshape((1,) * (call.out.ndim - labels.ndim) + tuple(labels.shape)))


def reshape(call: Call) -> None:
    """Axes are merged and split.

    Merged channels keep their labels. Channels split over several axes are read as (parts,
    rest): the parts must shrink alike, so they are coupled.
    """
    value = call.args[0]
    labels = call.labels(value)
    out = labels.expand(value.shape).reshape(call.out.shape)
    for old, new in _blocks(tuple(value.shape), tuple(call.out.shape)):
        if not varying(labels) & set(old):
            continue
        if len(old) > 1 and len(new) > 1:
            return call.stop()
        spread = [axis for axis in new if axis in varying(compact(out))]
        for axis in spread[:-1]:
            first = out.narrow(axis, 0, 1)
            call.trace.labels.couple(compact(out), compact(first), call.reason)
    return call.emit(compact(out))


def channel_shuffle(call: Call) -> None:
    """Channels of each part alternate; the parts must shrink alike."""
    labels = call.labels(call.args[0])
    whole, groups = labels.expand(call.args[0].shape), call.argument("groups")
    parts = whole.reshape(len(whole), groups, -1, *whole.shape[2:])
    call.trace.labels.couple(compact(parts), compact(parts[:, :1]), call.reason)
    call.emit(compact(parts.transpose(1, 2).flatten(1, 2)))


def concatenate(call: Call) -> None:
    """Channels stand one after the other."""
    tensors = [t for t in call.args[0] if t.ndim == call.out.ndim]
    axis = call.argument("dim") % call.out.ndim
    _join(call, [call.labels(t) for t in tensors], [t.shape[axis] for t in tensors], axis)


def stack(call: Call) -> None:
    """Values side by side on a new axis: what lies at the same place is coupled."""
    axis = call.argument("dim") % call.out.ndim
    labels = [call.labels(t).unsqueeze(axis) for t in call.args[0]]
    _join(call, labels, [1] * len(labels), axis)


def _join(call: Call, parts: Sequence[Tensor], lengths: Sequence[int], axis: int) -> None:
    across = [varying(part) - {axis} for part in parts]
    if not any(across):
        spread = [
            part.expand(*(n if d == axis else 1 for d in range(part.ndim)))
            for part, n in zip(parts, lengths, strict=True)
        ]
        return call.emit(compact(torch.cat(spread, axis)))
    if any(axis in varying(part) for part in parts) or any(a != across[0] for a in across):
        return call.stop()
    for part in parts[1:]:
        call.trace.labels.couple(parts[0], part, call.reason)
    return call.emit(parts[0])


def split(call: Call) -> None:
    """Equal parts of the channels must shrink alike; unequal ones, or one, must stay."""
    value = call.args[0]
    labels = call.labels(value)
    pieces = call.out if isinstance(call.out, tuple | list) else [call.out]
    axis = call.argument("dim") % value.ndim
    if axis not in varying(labels):
        dropped = call.out if isinstance(call.out, Tensor) else pieces[0]
        gone = dropped.ndim < value.ndim
        return call.emit(labels.squeeze(axis) if gone else labels)
    lengths = {piece.shape[axis] for piece in pieces} if pieces[0].ndim == value.ndim else {0}
    whole = sum(piece.shape[axis] for piece in pieces) if lengths != {0} else 0
    if len(lengths) != 1 or whole != value.shape[axis]:
        return call.stop()
    parts = labels.chunk(len(pieces), axis)
    for part, piece in zip(parts, pieces, strict=True):
        call.trace.labels.couple(parts[0], part, call.reason)
        call.emit(part, piece)
    return None


def _blocks(
    old: tuple[int, ...], new: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Pair runs of axes of two shapes that hold the same number of values.

    >>> _blocks((2, 6, 5), (2, 2, 3, 5))
    [((0,), (0,)), ((1,), (1, 2)), ((2,), (3,))]
    """
    blocks = []
    olds = [axis for axis, size in enumerate(old) if size != 1]
    news = [axis for axis, size in enumerate(new) if size != 1]
    while olds and news:
        left, right = [olds.pop(0)], [news.pop(0)]
        have, want = old[left[0]], new[right[0]]
        while have != want:
            if have < want:
                left.append(olds.pop(0))
                have *= old[left[-1]]
            else:
                right.append(news.pop(0))
                want *= new[right[-1]]
        blocks.append((tuple(left), tuple(right)))
    return blocks


REARRANGING: dict[str, Rule] = {
    **dict.fromkeys(
        ("permute", "transpose", "t", "movedim", "moveaxis", "swapaxes", "swapdims", "squeeze",
         "unsqueeze", "numpy_T", "mT"),
        rearrange,
    ),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), expand),
    **dict.fromkeys(
        ("view", "reshape", "_unsafe_view", "flatten", "unflatten", "view_as", "reshape_as"),
        reshape,
    ),
    **dict.fromkeys(
        ("chunk", "split", "split_with_sizes", "slice", "select", "unbind", "narrow"), split
    ),
    "channel_shuffle": channel_shuffle,
    "cat": concatenate, "concat": concatenate, "concatenate": concatenate, "stack": stack,
}  # fmt: skip
