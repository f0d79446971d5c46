"""Which team is chosen and from what, as a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import RegistryNames, option
from pruning.core.settings_tree import changed, made

if TYPE_CHECKING:
    from selection.costs import Budget

Pool = Literal["pruned", "unpruned", "mixed", "rounds"]

OF_METHODS = ("prune_fraction", "measures", "thrifty")
"""Settings that go to the method, which may have no such thing."""


@dataclass(frozen=True)
class SelectionConfig:
    """Which team is chosen, and from what.

    With a limit on what it costs, the team may be smaller than `size`. Latency is that of the
    members one after another, as measured on this machine.
    """

    size: int = option(5, "S, members of the team.", least=1, flag="s", section="What")
    method: str = option(
        "soft",
        "How the team is chosen: a known method, or your own module:Class.",
        names=RegistryNames("selection.methods.method:METHODS"), kind="selection method",
    )  # fmt: skip
    pool: Pool = option(
        "pruned",
        "What may be chosen: the pruned networks handed on, the unpruned, both, or every round "
        "of every run.",
    )
    voting: str = option(
        "mean", "How the team votes.", names=RegistryNames("selection.voting.rule:VOTES")
    )
    max_flops: float | None = option(
        None, "Most FLOPs per sample that the team may take.", above=0, unset="no limit"
    )
    max_bytes: float | None = option(
        None, "Most bytes that the team may take as stored.", above=0, unset="no limit"
    )
    max_latency: float | None = option(
        None, "Most milliseconds per sample that the team may take, measured here.", above=0,
        unset="no limit",
    )  # fmt: skip
    prune_fraction: float | None = option(
        None, "β of hq: the share of the teams dropped at each size.", least=0, below=1,
        unset="the method's own",
    )  # fmt: skip
    measures: tuple[str, ...] = option(
        (),
        "Diversity measure of hq: a known one, or your own module:Class; repeat for a consensus.",
        names=RegistryNames("selection.measures.measure:MEASURES"), flag="measure",
        kind="diversity measure", unset="the method's own",
    )  # fmt: skip
    thrifty: bool = option(
        False,
        "Take the cheapest team, of any size up to S, that is as accurate beyond noise.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if ":" not in self.method:
            self._check_method_options()

    @classmethod
    def of_pool(cls, given: Mapping[str, Any], members: int) -> SelectionConfig:
        """Return what options ask of a pool made elsewhere; no size given is at most the pool's.

        >>> SelectionConfig.of_pool({"s": None}, 2).size, SelectionConfig.of_pool({"s": 4}, 2).size
        (2, 4)
        """
        asked = made(cls, given)
        return (
            asked
            if given.get("s")
            else dataclasses.replace(asked, size=min(asked.size, max(members, 1)))
        )

    def check_own(self) -> None:
        """Look up what is the user's own, whose code then runs; a stored value is read without.

        Raises
        ------
        RequestError
            If it cannot be imported, or is not what it should be.
        """
        from selection.measures import MEASURES

        for name in self.measures:
            MEASURES[name]
        self._check_method_options()

    def _check_method_options(self) -> None:
        if not self.method_options and ":" not in self.method:
            return
        known = _parameters(self.method)
        for name in self.method_options:
            if name not in known:
                from selection.methods.method import METHODS

                having = [method for method in METHODS if name in _parameters(method)]
                raise RequestError(
                    f"`method` {self.method!r} has no `{name}`; "
                    f"the methods that have one: {', '.join(having)}"
                )

    @property
    def method_options(self) -> dict[str, Any]:
        """The settings given to the method."""
        given = {name: getattr(self, name) for name in OF_METHODS}
        unset = (None, (), False)
        return {name: value for name, value in given.items() if not any(value is u for u in unset)}

    def changed_by(self, given: Mapping[str, Any]) -> SelectionConfig:
        """Return this choice with what a flat mapping of option names gives.

        Where that is another method, settings that it does not have stay behind, unless they
        are given too, which is refused.
        """
        kept, method = self, given.get("method")
        if method is not None and method != self.method:
            known, usual = _parameters(method), SelectionConfig()
            lost = {name: getattr(usual, name) for name in OF_METHODS if name not in known}
            kept = dataclasses.replace(self, **lost)
        return changed(kept, given)

    @property
    def budget(self) -> Budget:
        """The most the team may cost; latency in seconds."""
        from selection.costs import Budget

        latency = None if self.max_latency is None else self.max_latency / 1000
        return Budget(flops=self.max_flops, bytes=self.max_bytes, latency=latency)


def _parameters(method: str) -> tuple[str, ...]:
    """Return the names of a method's settings; its file is run where it is the user's own."""
    from selection.methods.method import METHODS

    chosen = METHODS[method]
    if not isinstance(chosen, type):
        raise RequestError(f"selection method {method!r} is no class but one's instance")
    return chosen.parameters()
