"""What the rounds of a group take: seconds by stage, epochs, images, memory."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch

from pipelines.run.machine import device_name
from pruning.core.stages import Stages


@dataclass(frozen=True)
class RoundTimes:
    """What one round of one group took.

    Attributes
    ----------
    seconds
        Of each stage; together, from the end of the round before to the end of this one.
    epochs
        Passes over the training part by the member that made the most of them.
    member_epochs
        Passes by all members; further attempts and late weights that are trained anew are
        among them.
    images
        Training samples that passed, over all members.
    device
        What computed, by name.
    peak_bytes
        The most memory that tensors took at once, on a card; None on a processor.
    """

    seconds: Mapping[str, float]
    epochs: int
    member_epochs: int
    images: int
    device: str
    peak_bytes: int | None = None

    @property
    def images_per_second(self) -> float:
        """Of all members together, while they trained (validation included)."""
        training = self.seconds.get("training", 0.0)
        return self.images / training if training else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return cls(**content)

    def as_line(self) -> dict[str, Any]:
        """Return what stands in ``build.log``: rounded, with what follows from it."""
        line = {
            **seconds_line(self.seconds),
            "epochs": self.epochs,
            "member_epochs": self.member_epochs,
            "images": self.images,
            "images_per_second": round(self.images_per_second, 1),
            "device": self.device,
        }
        return line if self.peak_bytes is None else line | {"peak_bytes": self.peak_bytes}


class RoundClock:
    """Measures the rounds of one group, one after another.

    Parameters
    ----------
    device
        Where the group trains: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ….
    samples
        Of the training part.
    first
        The number of its first round.

    Attributes
    ----------
    stages
        Counts the seconds of the round that is on.
    round
        Its number.
    """

    def __init__(self, device: str, samples: int, first: int = 0) -> None:
        self.stages, self.round = Stages(), first
        self._samples = samples
        self._card = device if torch.device(device).type == "cuda" else None
        self._name = device_name(device)  # which opens a card: its memory is asked for below
        self._begin()

    def epoch(self, runs: Sequence[int]) -> int:
        """Count an epoch of these runs; return the images that passed in it."""
        self._epochs.update(runs)
        return len(runs) * self._samples

    def taken(self) -> RoundTimes:
        """Return what the round has taken that ends here; the next begins."""
        found = RoundTimes(
            seconds=self.stages.taken(),
            epochs=max(self._epochs.values(), default=0),
            member_epochs=self._epochs.total(),
            images=self._epochs.total() * self._samples,
            device=self._name,
            peak_bytes=torch.cuda.max_memory_allocated(self._card) if self._card else None,
        )
        self.round += 1
        self._begin()
        return found

    def _begin(self) -> None:
        self._epochs: Counter[int] = Counter()
        if self._card:
            torch.cuda.reset_peak_memory_stats(self._card)


def seconds_line(seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return seconds by stage to a tenth of a millisecond, the longest first, and their sum.

    >>> seconds_line({"files": 0.123456, "training": 2.0})
    {'seconds': 2.1235, 'stages': {'training': 2.0, 'files': 0.1235}}
    """
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    stages = {name: round(value, 4) for name, value in ordered}
    return {"seconds": round(sum(stages.values()), 4), "stages": stages}
