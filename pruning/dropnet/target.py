"""How far to prune, said as what the result may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pruning.core.errors import RequestError
from pruning.core.limits import rounded_up
from pruning.core.option_checks import check_options
from pruning.core.options import option


def _most(name: str, help_text: str) -> Any:
    """Return the setting of a target, which nothing had before there were targets."""
    unset = "as far as kappa and keep allow"
    return option(None, help_text, above=0, flag=f"target_{name}", unset=unset, before=None)


@dataclass(frozen=True)
class Target:
    """What the chosen team may cost; at most one is given.

    A number up to 1 is a share of what all M unpruned networks cost together, a larger one is
    absolute. A run by itself is a team of one, and its share is of its own unpruned network.

    >>> Target(flops=0.05).of_member(m=20, s=5)
    MemberTarget(flops=0.2, bytes=None, latency=None, m=20, s=5)
    >>> Target(bytes=1e6).of_member(m=20, s=5)
    MemberTarget(flops=None, bytes=200000.0, latency=None, m=20, s=5)
    """

    flops: float | None = _most(
        "flops",
        "Prune until a team of S takes at most so many FLOPs per sample: up to 1 a share of "
        "all M unpruned networks', above it a number.",
    )
    bytes: float | None = _most(
        "bytes",
        "Prune until a team of S takes at most so many bytes as stored: up to 1 a share, above "
        "it a number.",
    )
    latency: float | None = _most(
        "latency",
        "Prune until a team of S takes at most so long per sample, one network after another, "
        "as measured here before training: up to 1 a share, above it milliseconds.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        asked = self._asked
        if len(asked) > 1:
            targets = " and ".join(f"`target_{name}` {most:g}" for name, most in asked.items())
            limits = " or ".join(f"`max_{name}`" for name in asked)
            count, out, them = ("two", "one", "it") if len(asked) == 2 else ("three", "two", "them")
            raise RequestError(
                f"{targets} are {count} targets; a run has one: leave {out} out, and limit the "
                f"team by {them} with {limits}, which are absolute numbers, not shares"
            )

    @property
    def given(self) -> bool:
        """Whether there is a target at all."""
        return bool(self._asked)

    @property
    def _asked(self) -> dict[str, float]:
        named = {"flops": self.flops, "bytes": self.bytes, "latency": self.latency}
        return {name: most for name, most in named.items() if most is not None}

    def of_member(self, m: int, s: int) -> MemberTarget:
        """Return what each of S members may cost, as a share of its own unpruned network.

        A share of more than a whole network asks for nothing to be cut.
        """
        flops, size = _of_member(self.flops, m, s), _of_member(self.bytes, m, s)
        return MemberTarget(flops, size, self.latency, m, s)

    def milliseconds(self, unpruned: float) -> float:
        """Return what one network may take, where its unpruned one takes so many milliseconds."""
        most = self.latency or 0.0
        return most * unpruned if most <= 1 else most

    def least(self, cost: float, unpruned: float) -> float:
        """Return the least that would have to be asked for, of a network that costs so much."""
        share = (self.flops or self.bytes or self.latency or 0) <= 1
        if share:
            return rounded_up(cost / unpruned, 4)
        return rounded_up(cost, 0 if self.latency is None else 3)

    def met_by(self, cost: tuple[float, float], unpruned: tuple[float, float]) -> bool:
        """Whether a network costs no more, given (FLOPs, bytes) of it and of the unpruned.

        A latency is said in FLOPs first (`pruning.dropnet.fast_enough`).
        """
        return all(
            most is None or spent <= (most * whole if most <= 1 else most)
            for most, spent, whole in zip((self.flops, self.bytes), cost, unpruned, strict=True)
        )

    def __str__(self) -> str:
        """Say what is allowed to one network."""
        name, most = ("FLOPs", self.flops) if self.flops is not None else ("bytes", self.bytes)
        if most is None:
            return "no target"
        return f"{most:.3g} of the {name}" if most <= 1 else f"{most:,.0f} {name}"


@dataclass(frozen=True)
class MemberTarget(Target):
    """A member's part of a team's target, which remembers the team it was asked of.

    Its `latency` stays the team's: a part of a millisecond would read as a share.

    >>> Target(flops=0.001).of_member(m=20, s=5).least(100, 1000)
    0.025
    >>> Target(latency=0.05).of_member(20, 5).milliseconds(3.0)  # a fifth of it
    0.6
    """

    m: int = 1
    s: int = 1

    def least(self, cost: float, unpruned: float) -> float:
        """Return the least that would have to be asked for of the team."""
        return super().least(self.s * cost, self.m * unpruned)

    def milliseconds(self, unpruned: float) -> float:
        """Return what one network may take, where its unpruned one takes so many milliseconds."""
        return super().milliseconds(self.m * unpruned) / self.s


def _of_member(most: float | None, m: int, s: int) -> float | None:
    if most is None:
        return None
    if most <= 1:
        return min(1.0, most * m / s)
    return max(most / s, 2.0)  # up to 1 it would be read as a share; no network takes as little
