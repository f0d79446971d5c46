"""HQ, the method and its settings: the least diverse teams fall, the most accurate is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pruning.core.errors import RequestError
from selection.measures import MEASURES
from selection.methods.method import DEFAULT_MEASURES, METHODS, SelectionMethod
from selection.search.hierarchy import Rules, beyond_reach, prune_levels
from selection.search.levels import Search, most_accurate
from selection.search.problem import Problem

MODES = ("exact", "published")
WIDE = 5_000
"""The beam of a pool with more teams than can all be looked at."""


@METHODS.register("hq")
@dataclass(kw_only=True, eq=False)
class HierarchicalSelection(SelectionMethod):
    """Hierarchical pruning by focal diversity (Wu & Liu, ICDM 2021).

    Sizes 2 to S in turn: of the teams still standing the `prune_fraction` least diverse
    are dropped, and no superset of a dropped team is made. Of the survivors of size S (of
    every size up to S where there is a budget) the most accurate is chosen; ties by
    diversity, then cost.

    Where no team of the size survives (S close to M), every β is halved until one does.

    Consensus: each measure ranks the standing teams by focal diversity; a team's standing
    is the mean of its ranks (Borda). Ranks, because the measures' scores are spread so
    differently that a mean of scores would follow the widest; the mean, because dropping
    whatever any measure dislikes would drop several times β.

    Parameters
    ----------
    prune_fraction
        β in [0, 1), one number or one for each size 2..S.
    measures
        Names of diversity measures, each once.

    beam
        The most teams of one size to grow from: of those still standing the most accurate,
        sought among twice as many of least squared error. None is exact where the pool
        has at most five million teams of up to S members, and 5,000 beyond.
    mode
        "exact", or "published" for comparison: scores as the published script makes them
        (one measure; see `Rules.published`), ties of diversity dropped by team accuracy.

    Attributes
    ----------
    prune_fractions_
        β of each size 2..S as it was applied.

    >>> import numpy as np
    >>> p = np.random.default_rng(0).dirichlet(np.ones(3), (6, 200))
    >>> hq = HierarchicalSelection(size=3).fit(p, np.zeros(200, int))
    >>> len(hq.team_), hq.levels_["made"].tolist()
    (3, [6, 15, 16])
    """

    prune_fraction: float | tuple[float, ...] = 0.1
    measures: tuple[str, ...] = DEFAULT_MEASURES
    beam: int | None = None
    mode: str = "exact"

    @property
    def reported(self) -> tuple[str, ...]:
        """The measures asked."""
        return tuple(self.measures)

    def rules(self, members: int) -> Rules:
        """Return the checked rules for a pool of this many members."""
        given = self.prune_fraction
        levels = max(self.size - 1, 0)
        fractions = tuple(given) if isinstance(given, (tuple, list)) else (given,) * levels
        if len(fractions) != levels or not all(0 <= f < 1 for f in fractions):
            raise RequestError(
                f"prune fraction {given}; allowed one number in [0, 1), or {levels} of them "
                f"(one for each size 2..{self.size})"
            )
        measures = tuple(self.measures)
        if not measures or len(set(measures)) != len(measures):
            raise RequestError(f"measures {measures}; expected at least one, each once")
        for name in measures:
            MEASURES[name]
        if self.mode not in MODES or (self.mode == "published" and len(measures) != 1):
            raise RequestError(
                f"mode {self.mode!r} with measures {measures}; "
                "allowed 'exact', or 'published' with one measure"
            )
        if self.beam is not None and self.beam < 1:
            raise RequestError(f"beam {self.beam}; allowed 1 and more, or none")
        beam = self.beam
        if beam is None and beyond_reach(members, self.size):
            beam = WIDE
        return Rules(measures, fractions, beam, self.mode == "published")

    def search(self, problem: Problem) -> Search:
        """Prune level by level, then choose by accuracy."""
        rules = self.rules(problem.members)
        while True:
            levels = prune_levels(problem, rules)
            team = most_accurate(problem, levels)
            if team:
                self.prune_fractions_ = rules.fractions
                return Search(team, levels)
            rules = replace(rules, fractions=tuple(f / 2 for f in rules.fractions))
