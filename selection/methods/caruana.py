"""Greedy forward selection with replacement (Caruana et al. 2004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.methods.method import METHODS, SelectionMethod
from selection.search.levels import Search, looked_at
from selection.search.problem import Problem
from selection.team import as_team
from selection.voting import VOTES


@METHODS.register("caruana")
@dataclass(kw_only=True, eq=False)
class CaruanaSelection(SelectionMethod):
    """Add, time and again, the member that leaves the mean probability most accurate.

    A member may be added again: the votes it collects become its weight (`weights_`), where
    the vote reads weights. A pick that would be the (S+1)-th different member is not open.
    Of all rounds the most accurate is kept, the first of equals, provided the team is full
    (with a budget, of any size up to S); ties within a round by squared error. If no round
    fills the team, the members that help the last one most are added, with one vote each.

    Caruana, Niculescu-Mizil, Crew & Ksikes, *Ensemble Selection from Libraries of Models*
    (ICML 2004).

    Parameters
    ----------
    rounds
        How many picks.
    """

    rounds: int = 50

    def search(self, problem: Problem) -> Search:
        """Pick with replacement, keep the best round."""
        if self.rounds < 1:
            raise RequestError(f"rounds {self.rounds}; allowed 1 and more")
        vote = VOTES[problem.voting]()
        p = problem.pool.probabilities
        scores = vote.scores(p, problem.pool.labels, problem.size)
        picks = self._picks(problem, p if scores is None else scores)
        team = as_team(list(set(picks)))
        counts = np.array([picks.count(row) for row in team], float)
        self._shares: NDArray[np.float64] = counts / counts.sum()
        return Search(team, (looked_at(problem, np.array([team])),))

    def weights(self) -> NDArray[np.float64]:
        """Return each member's share of the picks."""
        return self._shares

    def _picks(self, problem: Problem, scores: NDArray[Any]) -> list[int]:
        labels = problem.pool.labels
        truth = np.arange(scores.shape[2]) == labels[:, None]
        total = np.zeros(scores.shape[1:])
        picks: list[int] = []
        best: tuple[int, list[int]] = (-1, [])
        for turn in range(1, self.rounds + problem.size + 1):
            full = len(set(picks)) == problem.size
            if turn > self.rounds and (full or best[1]):
                break
            rows = self._open(problem, picks, again=turn <= self.rounds)
            if not len(rows):
                break
            right = np.array([((total + scores[r]).argmax(-1) == labels).sum() for r in rows])
            tied = rows[right == right.max()]
            errors = [float(np.square((total + scores[r]) / turn - truth).sum()) for r in tied]
            picks.append(int(tied[int(np.argmin(errors))]))
            total = total + scores[picks[-1]]
            if len(set(picks)) in problem.sizes and right.max() > best[0]:
                best = (int(right.max()), picks.copy())
        return best[1]

    @staticmethod
    def _open(problem: Problem, picks: list[int], again: bool) -> NDArray[Any]:
        chosen = sorted(set(picks))
        new = np.setdiff1d(problem.allowed, chosen)
        if len(chosen) == problem.size:
            new = new[:0]
        grown = np.array([[*chosen, row] for row in new]).reshape(len(new), len(chosen) + 1)
        new = new[problem.budget.fits(problem.costs, grown.astype(np.int16))]
        return np.concatenate([np.array(chosen, int), new]) if again else new
