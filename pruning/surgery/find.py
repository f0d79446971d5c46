"""Which units of a network may be pruned, found by running it once on labelled channels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.surgery.groups import Refusal, Slice, UnitGroup
from pruning.surgery.labels import Reason
from pruning.surgery.layer_kinds import PRODUCERS
from pruning.surgery.rules import find_rule
from pruning.surgery.trace import OUTPUT, Trace
from pruning.surgery.trial import broken_groups, zero_sample

_WHOLE = Reason("kept_whole", "")
_FIXED = Reason("a size fixed in the code", "")
_ALONE = Reason("what the code does with a single channel", "")
_LOST = "values that cannot be followed"


@dataclass(frozen=True)
class Analysis:
    """What surgery can do with a network, and what stands in the way.

    Attributes
    ----------
    groups
        The groups of units that may be pruned.
    refusals
        The layers that may not, wholly or in part, and why.
    """

    groups: tuple[UnitGroup, ...]
    refusals: tuple[Refusal, ...]


def find_groups(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[UnitGroup, ...]:
    """Return the groups of units that may be pruned, in the order of their first producer.

    The layers whose outputs are the logits, and those a network names in its attribute
    ``kept_whole`` (a tuple of module names), are left out.

    Raises
    ------
    RequestError
        If the graph cannot be followed, a layer is used in two places, or no layer can be
        pruned.

    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> [(group.name, group.size) for group in find_groups(network, (4,))]
    [('0', 3)]
    """
    return analyse(network, input_shape).groups


def analyse(network: nn.Module, input_shape: tuple[int, ...]) -> Analysis:
    """Return the groups that may be pruned and the layers that may not.

    The network runs on labelled channels, in eval and in training mode; then random masks
    are tried, and a group whose cut network does not compute what the masked one does (a
    size written into the code) is refused as well. Where it does not with one unit left (a
    ``squeeze()`` of whatever has size 1), one channel stays beside the units. The network is
    left unchanged.

    Raises
    ------
    RequestError
        As `find_groups`.
    """
    _check(network, input_shape)
    trace = _traced(network, input_shape)
    for name in trace.producers().intersection(getattr(network, "kept_whole", ())):
        trace.labels.block(trace.sides[name, "out"], _WHOLE)
    groups = _groups(trace)
    while emptied := _could_be_emptied(groups):
        for producer in emptied:
            first = trace.sides[producer, "out"][:1]
            trace.labels.block(first, Reason("a last channel that must stay", producer))
        groups = _groups(trace)
    for to_one, staying, why in ((False, None, _FIXED), (True, 1, _ALONE), (True, None, _FIXED)):
        broken = broken_groups(trace.network, groups, input_shape, to_one=to_one)
        for producer in (p for group in broken for p in group.producers):
            trace.labels.block(trace.sides[producer, "out"][:staying], why)
        groups = _groups(trace) if broken else groups
    refusals = _refusals(trace, groups)
    if not groups:
        raise RequestError(_nothing_to_prune(network, refusals))
    return Analysis(groups, refusals)


def _check(network: nn.Module, input_shape: tuple[int, ...]) -> None:
    if not isinstance(network, nn.Module):
        raise RequestError(
            f"network is of type {type(network).__name__}, expected a torch.nn.Module; "
            "build_network makes one of an architecture's name"
        )
    shape = input_shape if isinstance(input_shape, tuple | list) else ()
    if not shape or not all(hasattr(n, "__index__") and n > 0 for n in shape):
        raise RequestError(
            f"input_shape {input_shape!r} must be the shape of one sample, without a batch axis: "
            "(C, H, W) or (F,), each at least 1"
        )


def _traced(network: nn.Module, input_shape: tuple[int, ...]) -> Trace:
    """Run a copy of the network on labelled channels, as it trains and as it predicts."""
    for name, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise RequestError(
                f"layer {name!r} is a ScriptModule, whose inside cannot be followed; "
                "put in the module that it was made from"
            )
    copied = copy.deepcopy(network)
    trace = Trace(copied, find_rule)
    for training in (True, False):  # the last run says where values can be observed
        try:
            copied.train(training)
            trace.run(zero_sample(copied, input_shape, batch=2 if training else 1))
        except RequestError:
            raise
        except Exception as error:
            if training:
                continue  # it only has to predict
            raise RequestError(
                f"{type(network).__name__} cannot be followed on an input of shape "
                f"{tuple(input_shape)}{_inside(trace)}: {type(error).__name__}: "
                f"{error}".splitlines()[0]
            ) from error
    for name in trace.producers() - trace.made.keys():
        trace.labels.block(trace.sides[name, "out"], Reason("running in training only", name))
    return trace


def _groups(trace: Trace) -> tuple[UnitGroup, ...]:
    """Return the groups of coupled units that nothing forbids to prune."""
    blocked = trace.labels.reasons()
    units = {
        key: [0 if (root := trace.labels.root(n)) in blocked else root for n in labels.tolist()]
        for key, labels in trace.sides.items()
    }
    position = {name: i for i, (name, _) in enumerate(trace.network.named_modules())}
    ordered = sorted(units, key=lambda key: (position[key[0]], key[1]))
    groups = []
    for producers in _joined({n: units[n, side] for n, side in ordered if side == "out"}):
        index: dict[int, int] = {}
        for root in (r for producer in producers for r in units[producer, "out"] if r):
            index.setdefault(root, len(index))
        slices = tuple(
            Slice(name, side, torch.tensor([index.get(r, -1) for r in units[name, side]]))
            for name, side in ordered
            if not index.keys().isdisjoint(units[name, side])
        )
        if any(part.side == "in" for part in slices):
            taps = tuple(trace.tap(producer) for producer in producers)
            groups.append(UnitGroup(producers[0], len(index), producers, taps, slices))
    return tuple(groups)


def _joined(units: dict[str, list[int]]) -> list[tuple[str, ...]]:
    """Return the producers that share a unit, together; 0 is no unit."""
    joined: list[tuple[set[int], list[str]]] = []
    for name, roots in units.items():
        made = set(roots) - {0}
        names = [name] if made else []
        apart = []
        for other, members in joined:
            if made & other:
                made |= other
                names = members + names
            else:
                apart.append((other, members))
        joined = [*apart, (made, names)]
    order = {name: i for i, name in enumerate(units)}
    found = [tuple(sorted(names, key=order.__getitem__)) for _, names in joined if names]
    return sorted(found, key=lambda names: order[names[0]])


def _could_be_emptied(groups: Sequence[UnitGroup]) -> list[str]:
    """Return producers of which a mask that empties no group could leave nothing."""
    return [
        producer
        for group in groups
        for producer in group.producers
        if (owner := group.owner(producer, "out")).min() >= 0
        and len(set(owner.tolist())) < group.size
    ]


def _refusals(trace: Trace, groups: Sequence[UnitGroup]) -> tuple[Refusal, ...]:
    """Return the layers with channels that stay, other than logits and by the user's wish."""
    blocked = trace.labels.reasons()
    pruned = {producer for group in groups for producer in group.producers}
    found = []
    for name, module in trace.network.named_modules():
        if not isinstance(module, PRODUCERS):
            continue
        if (name, "out") in trace.sides:
            labels = trace.sides[name, "out"].tolist()
            reasons = [why for n in labels if (why := blocked.get(trace.labels.root(n)))]
            wanted = any(reason in (_WHOLE, OUTPUT) for why in reasons for reason in why)
            if reasons and not wanted:
                first = min(reasons[0], key=lambda reason: not reason.operation.endswith("norm"))
                found.append(Refusal(name, len(reasons), first.operation, first.where))
            elif not reasons and name not in pruned:
                found.append(Refusal(name, len(labels), _LOST, ""))
        elif (name, "through") not in trace.sides:
            cause = _LOST if name in trace.calls else "its weights being read elsewhere"
            found.append(Refusal(name, len(module.weight), cause, ""))
    return tuple(found)


def _nothing_to_prune(network: nn.Module, refusals: Sequence[Refusal]) -> str:
    why = "; ".join(map(str, refusals[:3])) or "it needs a Linear or convolution before its output"
    return f"{type(network).__name__} has no layer that can be pruned: {why}"


def _inside(trace: Trace) -> str:
    return f" (in layer {trace.where!r})" if trace.where else ""
