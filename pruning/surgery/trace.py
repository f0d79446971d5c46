"""One run of a network on labelled channels.

Every operation of the run passes through `Trace`, which hands it to its rule
(`pruning.surgery.rules`). Rules say how labels flow, which layers make and read them, which
labels are coupled, and which must stay. What has no rule stops the labels that enter it, by
name: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from pruning.core.errors import RequestError
from pruning.inference.meter import PlainMode
from pruning.surgery.groups import Side, Step, Tap
from pruning.surgery.labels import Labels, Reason, compact, varying
from pruning.surgery.layer_kinds import BatchNorm

OUTPUT = Reason("output", "")
Rule = Callable[["Call"], None]
"""Looks at one operation and says what it does to labels."""


@dataclass(frozen=True)
class Use:
    """One reading of a value: what it became, if that is its own norm or activation."""

    becomes: int | None
    step: Step | None


@dataclass
class Value:
    """A tensor that depends on the network's input."""

    number: int
    labels: Tensor


@dataclass(frozen=True)
class Call:
    """One operation as its rule sees it, after it ran."""

    trace: Trace
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    @property
    def name(self) -> str:
        """The operation's name without overload."""
        return str(self.function._overloadpacket.__name__)

    @property
    def reason(self) -> Reason:
        """This operation, here, as a reason to stay."""
        return Reason(self.name.rstrip("_"), self.trace.where)

    def argument(self, name: str) -> Any:
        """Return an argument by its name in the operation's schema."""
        if name in self.kwargs:
            return self.kwargs[name]
        for position, declared in enumerate(self.function._schema.arguments):
            if declared.name == name:
                given = position < len(self.args)
                return self.args[position] if given else declared.default_value
        raise KeyError(name)

    def tensors(self) -> list[Tensor]:
        """Return every tensor among the arguments."""
        return [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Tensor)]

    def labels(self, tensor: Tensor) -> Tensor:
        """Return a tensor's labels; 0 for one that does not depend on the input."""
        value = self.trace.values.get(id(tensor))
        return value.labels if value else torch.zeros([1] * tensor.ndim, dtype=torch.int64)

    def emit(self, labels: Tensor, out: Any = None) -> None:
        """Give the result (or one of the results) its labels."""
        target = self.out if out is None else out
        for tensor in target if isinstance(target, tuple | list) else (target,):
            self.trace.enter(tensor, labels)

    def stop(self) -> None:
        """Block every label that enters; the results carry none."""
        for tensor in self.tensors():
            self.trace.labels.block(self.labels(tensor), self.reason)
        for leaf in tree_leaves(self.out):
            if isinstance(leaf, Tensor):
                self.emit(torch.zeros([1] * leaf.ndim, dtype=torch.int64), leaf)


class Trace(PlainMode):
    """Collects what one or more runs of a network say about its channels.

    Parameters
    ----------
    network
        A copy that the runs may change.
    rules
        Operation name → rule.
    """

    def __init__(self, network: nn.Module, rules: Callable[[Any], Rule | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.network = network
        self.rules = rules
        self.labels = Labels()
        self.sides: dict[tuple[str, Side], Tensor] = {}
        self.parameters = _owners(network)
        self._start()

    def _start(self) -> None:
        self.values: dict[int, Value] = {}
        self.uses: dict[int, list[Use]] = {}
        self.made: dict[str, tuple[int, int]] = {}
        self.module_value: dict[int, str] = {}
        self.calls: dict[str, int] = {}
        self._seen: set[tuple[str, Side]] = set()
        self._alive: list[Tensor] = []
        self._stack: list[str] = []
        self._count = 0

    def run(self, sample: Tensor) -> None:
        """Run the network once on a sample; its outputs must stay."""
        self._start()
        with ExitStack() as stack, torch.inference_mode():
            for name, module in self.network.named_modules():
                stack.enter_context(self._followed(name, module))
            self.enter(sample, torch.zeros([1] * sample.ndim, dtype=torch.int64))
            with self:
                outputs = self.network(sample)
        for leaf in tree_leaves(outputs):
            if id(leaf) in self.values:
                self.labels.block(self.values[id(leaf)].labels, OUTPUT)

    def owner(self, tensor: Tensor | None) -> tuple[str, nn.Module | None]:
        """Return the running module that holds a parameter, and its name.

        ``("", None)`` where none holds it, or one that is not running: weights that are read
        elsewhere (``F.linear(x, self.fc.weight)``) cannot be masked at their layer.
        """
        name, module = self.parameters.get(id(tensor), ("", None))
        return (name, module) if name in self._stack else ("", None)

    @property
    def where(self) -> str:
        """The name of the innermost module that is running."""
        return self._stack[-1] if self._stack else ""

    def enter(self, tensor: Tensor, labels: Tensor) -> None:
        """Give a tensor labels; whatever it was before, it is a new value now."""
        self._count += 1
        self._alive.append(tensor)  # so that its id stays its own
        self.values[id(tensor)] = Value(self._count, labels)

    def side(self, module: str, side: Side, labels: Tensor, reason: Reason) -> None:
        """Record which labels one side of a layer holds.

        Raises
        ------
        RequestError
            If the layer was used before in this run.
        """
        if (module, side) in self._seen:
            raise RequestError(
                f"layer {module!r} is used in two places; "
                "give each place a layer of its own to make the network prunable"
            )
        self._seen.add((module, side))
        if (module, side) in self.sides:
            self.labels.couple(self.sides[module, side], labels, reason)
        self.sides[module, side] = labels

    def producers(self) -> set[str]:
        """Return the layers that made channels in any run."""
        return {name for name, side in self.sides if side == "out"}

    def tap(self, producer: str) -> Tap:
        """Follow a producer's value through norms and activations that alone read it."""
        (number, axis), module, steps = self.made[producer], producer, list[Step]()
        norm = None
        while len(uses := self.uses.get(number, [])) == 1:
            use = uses[0]
            if use.becomes is None:
                break
            number = use.becomes
            reached = self.module_value.get(number)
            if reached is not None and self.calls[reached] == 1:
                module, steps = reached, []
                if isinstance(self.network.get_submodule(reached), BatchNorm):
                    norm = reached
            elif use.step is not None:
                steps.append(use.step)
            else:
                break
        return Tap(module, axis, tuple(steps), norm)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, then let its rule look at it."""
        kwargs = kwargs or {}
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        known = [self.values[id(t)] for t in tensors if id(t) in self.values]
        rule = self.rules(func) if known else None
        if known and rule is None and func._can_decompose():
            with self:
                return func.decompose(*args, **kwargs)
        before = [value.number for value in known]
        out = func(*args, **kwargs)
        if not known or (out is args[0] and not func._schema.is_mutable):
            return out
        call = Call(self, func, tuple(args), kwargs, out)
        (rule or Call.stop)(call)
        self._record_use(call, before)
        return out

    def _record_use(self, call: Call, before: Sequence[int]) -> None:
        value = self.values.get(id(call.out))
        elementwise = getattr(self.rules(call.function), "elementwise", False)
        follows = len(before) == 1 and value is not None and elementwise
        alone = len(call.tensors()) == 1 and call.args and call.tensors()[0] is call.args[0]
        step = Step(call.function, call.args[1:], call.kwargs) if follows and alone else None
        for number in before:
            becomes = value.number if follows and value is not None else None
            self.uses.setdefault(number, []).append(Use(becomes, step))

    @contextmanager
    def _followed(self, name: str, module: nn.Module) -> Iterator[None]:
        def entering(*_: object) -> None:
            self.calls[name] = self.calls.get(name, 0) + 1
            self._stack.append(name)

        def leaving(_: object, inputs: object, output: object) -> None:
            self._stack.pop()
            if id(output) in self.values:
                self.module_value.setdefault(self.values[id(output)].number, name)

        handles = (
            module.register_forward_pre_hook(entering),
            module.register_forward_hook(leaving),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def as_compact(
    labels: Tensor, shape: Sequence[int], rearrange: Callable[[Tensor], Tensor]
) -> Tensor:
    """Apply an operation that only rearranges values to labels spread to their full shape."""
    return compact(rearrange(labels.expand(*shape)))


def only_along(labels: Tensor, axis: int) -> bool:
    """Whether labels differ along this axis at most."""
    return varying(labels) <= {axis}


def _owners(network: nn.Module) -> dict[int, tuple[str, nn.Module]]:
    """Return id of a parameter or buffer → the module that holds it.

    Raises
    ------
    RequestError
        If two modules hold the same parameter.
    """
    owners: dict[int, tuple[str, nn.Module]] = {}
    for name, module in network.named_modules():
        alone = {"recurse": False, "remove_duplicate": False}
        for _, tensor in (*module.named_parameters(**alone), *module.named_buffers(**alone)):
            if id(tensor) in owners:
                raise RequestError(
                    f"layers {owners[id(tensor)][0]!r} and {name!r} share a parameter; "
                    "give each its own to make the network prunable"
                )
            owners[id(tensor)] = (name, module)
    return owners
