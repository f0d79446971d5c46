"""What a team costs: sums over its members, limits on them, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError, unknown_name
from pruning.core.limits import rounded_up

KINDS = ("flops", "bytes", "latency")
"""The costs a team may be limited by; each adds up over the members."""

COUNTED = ("flops", "bytes")
"""Costs of which a limit up to 1 is taken for a share by mistake."""

ROUNDING = 1e-12
"""Share of a limit that a sum of floats may be above it: three times 0.1 are within 0.3."""


@dataclass(frozen=True, eq=False)
class PoolCosts(ArrayValue):
    """Cost of each row of a pool, as columns; one that is not known is None.

    Attributes
    ----------
    flops
        (M,) float64, floating-point operations per sample (1 multiply-accumulate = 2).
    bytes
        (M,) float64, bytes as stored.
    latency
        (M,) float64, seconds per sample, as measured; members run one after the other.

    >>> PoolCosts.of(flops=[10, 20, 40]).total("flops", np.array([[0, 1], [0, 2]]))
    array([30., 50.])
    """

    flops: NDArray[np.float64] | None = None
    bytes: NDArray[np.float64] | None = None
    latency: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        lengths = set()
        for kind, values in self:
            if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
                raise RequestError(f"{kind} {values!r}: expected an array of numbers (M,)")
            if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any():
                raise RequestError(f"{kind} {values} must be a row of finite numbers ≥ 0")
            lengths.add(len(values))
        if len(lengths) > 1:
            raise RequestError(f"costs of {sorted(lengths)} members; expected one length")

    @classmethod
    def of(cls, **known: ArrayLike | None) -> PoolCosts:
        """Return costs from any rows of numbers, by kind.

        Raises
        ------
        RequestError
            Where a kind is unknown, or its values are no numbers ≥ 0.
        """
        rows: dict[str, NDArray[np.float64] | None] = {}
        for kind, values in known.items():
            if kind not in KINDS:
                raise unknown_name("cost", kind, KINDS)
            try:
                rows[kind] = None if values is None else np.asarray(values, float)
            except (TypeError, ValueError) as error:
                raise RequestError(f"{kind} {values!r}: expected numbers (M,)") from error
        return cls(**rows)

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Give the known costs as (kind, values)."""
        for kind in KINDS:
            values = getattr(self, kind)
            if values is not None:
                yield kind, values

    def check(self, members: int) -> PoolCosts:
        """Return these costs, or raise where they are not of this many members."""
        for kind, values in self:
            if len(values) != members:
                raise RequestError(f"{kind} of {len(values)} members; the pool has {members}")
        return self

    def total(self, kind: str, teams: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (T,) the summed cost of teams (T, S); 0 where that cost is not known."""
        values = getattr(self, kind)
        if values is None:
            return np.zeros(len(teams))
        total: NDArray[np.float64] = values[teams].sum(1)
        return total


@dataclass(frozen=True)
class Budget:
    """The most a team may cost in all; None is no limit.

    >>> Budget(flops=1e6).limited
    ('flops',)
    """

    flops: float | None = None
    bytes: float | None = None
    latency: float | None = None

    def __post_init__(self) -> None:
        for kind in self.limited:
            limit = getattr(self, kind)
            number = isinstance(limit, Real) and not isinstance(limit, bool)
            if not (number and np.isfinite(limit) and limit > 0):
                raise RequestError(f"max {kind} {limit!r} must be a positive number")

    @property
    def limited(self) -> tuple[str, ...]:
        """The costs that are limited."""
        return tuple(kind for kind in KINDS if getattr(self, kind) is not None)

    def check(self, costs: PoolCosts, members: int) -> None:
        """Raise where a limited cost is not known, or not even one member fits."""
        for kind in self.limited:
            if getattr(costs, kind) is None:
                raise RequestError(
                    f"max {kind} needs the members' {kind}; none were given: costs=PoolCosts.of("
                    f"{kind}=…), or an array {kind} (M,) in the file of predictions"
                )
        singles = np.arange(members)[:, None]
        if self.limited and not self.fits(costs, singles).any():
            least = (_at_least(k, float(getattr(costs, k).min())) for k in self.limited)
            share = any((getattr(self, kind) or 2) <= 1 for kind in COUNTED)
            raise RequestError(
                f"no member fits within {self.describe()}"
                f"{' (limits are absolute numbers, not shares)' if share else ''}; "
                f"ask for at least what the cheapest needs, {', '.join(least)}"
            )

    def fits(self, costs: PoolCosts, teams: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return (T,) whether each team (T, S) is within every limit, sums being rounded."""
        fit = np.ones(len(teams), bool)
        for kind in self.limited:
            fit &= costs.total(kind, teams) <= getattr(self, kind) * (1 + ROUNDING)
        return fit

    def binding(self, costs: PoolCosts, size: int) -> Budget:
        """Return the limits that some team of `size` members exceeds; the others limit nothing.

        >>> costs = PoolCosts.of(flops=[10, 20, 40], bytes=[1, 1, 1])
        >>> Budget(flops=50, bytes=2).binding(costs, 2)
        Budget(flops=50, bytes=None, latency=None)
        """
        kept = {}
        for kind in self.limited:
            dearest = np.argsort(getattr(costs, kind))[None, -size:]
            if not self._only(kind).fits(costs, dearest)[0]:
                kept[kind] = getattr(self, kind)
        return Budget(**kept)

    def allows(self, costs: PoolCosts, size: int) -> bool:
        """Return whether each limit by itself lets some team of `size` members through."""
        return all(
            self._only(kind).fits(costs, np.argsort(getattr(costs, kind))[None, :size])[0]
            for kind in self.limited
        )

    def _only(self, kind: str) -> Budget:
        return Budget(**{kind: getattr(self, kind)})

    def describe(self) -> str:
        """Return the limits as text."""
        return ", ".join(f"max {_amount(kind, getattr(self, kind))}" for kind in self.limited)


def _amount(kind: str, value: float) -> str:
    return f"latency {1000 * value:g} ms" if kind == "latency" else f"{kind} {value:g}"


def _at_least(kind: str, value: float) -> str:
    """Return the amount in words which, taken for a limit, is enough."""
    if kind == "latency":
        return f"latency {rounded_up(1000 * value, 3):.10g} ms"
    return f"{kind} {rounded_up(value, 0):.0f}"


def pareto_front(accuracy: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows no other row beats, by rising cost: none is as cheap and more accurate.

    >>> pareto_front(np.array([.9, .8, .95, .9]), np.array([2., 1., 3., 4.]))
    array([1, 0, 2])
    """
    order = np.lexsort((-accuracy, cost))
    best_before = np.maximum.accumulate(np.concatenate(([-np.inf], accuracy[order][:-1])))
    return order[accuracy[order] > best_before]
