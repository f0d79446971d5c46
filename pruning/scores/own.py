"""A score of the user's own: what it raises, or gives that cannot be ranked, is said in a line."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from pruning.core.errors import RequestError
from pruning.scores.score import Layer, Score, UnitView


class OwnScore(Score):
    """A score that checks what another one, not of this package, gives.

    Parameters
    ----------
    score
        The user's.
    name
        What it was asked for as.
    """

    def __init__(self, score: Score, name: str) -> None:
        self.score, self._name = score, name
        # what `Score` settles per class, here per object
        self.__dict__.update(needs_sweep=score.needs_sweep, needs_gradient=score.needs_gradient)

    @classmethod
    def made(cls, score: Score | type[Score], name: str) -> OwnScore:
        """Return a checked score of the user's instance, or of their class, made without words."""
        if not isinstance(score, type):
            return cls(score, name)
        with _told(name, "making one of it"):
            return cls(score(), name)

    def observe(self, activation: Tensor) -> Tensor:
        """Return what the score observes; a row for each channel."""
        with _told(self._name, "observe"):
            sums = self.score.observe(activation)
        self._check_rows("observe", sums, activation)
        return sums

    def observe_gradient(self, activation: Tensor, gradient: Tensor) -> Tensor:
        """Return what the score observes of the gradient; a row for each channel."""
        with _told(self._name, "observe_gradient"):
            sums = self.score.observe_gradient(activation, gradient)
        self._check_rows("observe_gradient", sums, activation)
        return sums

    def importance(self, units: UnitView) -> Tensor:
        """Return the score's values: finite, one for each unit."""
        with _told(self._name, "importance"):
            found = self.score.importance(units)
        where = " and ".join(repr(layer.name) for layer in units.layers)
        if not isinstance(found, Tensor) or found.shape != (units.size,):
            self._refuse(
                f"gives {_described(found)} for the {units.size} units of layer {where}; "
                f"allowed is a tensor of shape ({units.size},)"
            )
        if unranked := int((~torch.isfinite(found)).sum()):
            self._refuse(
                f"gives NaN or infinity for {unranked} of the {units.size} units of layer {where}; "
                "allowed are finite numbers: a unit that is always 0 needs one, too"
            )
        return found

    def check(self, layers: Sequence[Layer]) -> None:
        """Ask the score whether a group has what it looks at."""
        with _told(self._name, "check"):
            self.score.check(layers)

    def as_published(self) -> Score:
        """Return the score as it says that published code computes it."""
        return OwnScore(self.score.as_published(), self._name)

    def _check_rows(self, method: str, sums: object, activation: Tensor) -> None:
        if not isinstance(sums, Tensor) or sums.shape[:1] != activation.shape[1:2]:
            self._refuse(
                f"{method} gives {_described(sums)} for a value of shape "
                f"{tuple(activation.shape)}; allowed is a tensor with a row for each of its "
                f"{activation.shape[1]} channels, summed over the batch"
            )

    def _refuse(self, what: str) -> None:
        raise RequestError(f"metric {self._name!r} {what}")


@contextmanager
def _told(name: str, doing: str) -> Iterator[None]:
    try:
        yield
    except RequestError:
        raise
    except Exception as error:  # whatever a user's code raises
        ours = Path(__file__).parents[1]
        own = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not Path(frame.filename).is_relative_to(ours)
        ]
        where = f" (line {own[0].lineno} of {Path(own[0].filename).name})" if own else ""
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise RequestError(f"metric {name!r}: {doing} fails, {reason}{where}"[:500]) from error


def _described(found: object) -> str:
    if isinstance(found, Tensor):
        return f"a tensor of shape {tuple(found.shape)}"
    return f"a value of type {type(found).__name__}"
