"""The ensemble on torch: its networks, and the scikit-learn face of `Classifier`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ensemble.cascade import Cascade, CascadeRun, run_cascade
from ensemble.classifier import BATCH_SIZE, Classifier
from ensemble.description import Classes, Description, LayerWidth, MemberInfo, Provenance
from ensemble.reading.inputs import Samples
from pruning.core.errors import RequestError
from pruning.inference.cost import Cost
from pruning.inference.layout import Layout
from pruning.samples.scaling import Scaling

_DEFAULT_SCALING = Scaling()
_UNKNOWN = Provenance()


@dataclass(frozen=True)
class EnsembleMember:
    """A member with its network.

    Attributes
    ----------
    name
        The pool row it was, such as ``"07-r3"``.
    arch
        Architecture name, or the user's ``module:factory``.
    network
        Physically small; maps scaled input (B, *input_shape) to logits (B, C).
    cost
        Per sample.
    widths
        Units kept, layer by layer; empty where the unpruned network is not known.
    """

    name: str
    arch: str
    network: nn.Module
    cost: Cost
    widths: tuple[LayerWidth, ...] = ()

    @property
    def info(self) -> MemberInfo:
        """The member without its weights."""
        return MemberInfo(self.name, self.arch, self.cost, self.widths)


class Ensemble(Classifier):
    """A team of torch networks that votes.

    Parameters
    ----------
    members
        At least one, with distinct names.
    classes
        (C,) int64 or str.
    input_shape
        (C, H, W) for uint8 images or (F,) for float32 rows.
    scaling
        What every member's input is made with.
    voting
        Name of the vote; see `selection.voting`.
    weights
        One per member, non-negative, summing to 1; equal when None.
    provenance
        Where it comes from.
    temperature
        See `ensemble.calibration.fit_temperature`; 1 leaves the vote as it is.
    cascade
        See `ensemble.cascade.fit_cascade`; used when ``set_params(cascade=True)``.
    device
        Where the networks run; they are moved there.
    batch_size
        Samples that are voted on at once.

    >>> from pruning.networks.architecture import build_network
    >>> net = build_network("mlp-a:3", 2, (1, 4, 4), seed=0)
    >>> member = EnsembleMember("00-r0", "mlp-a:3", net, Cost(112, 59, 236, 160))
    >>> clf = Ensemble([member], np.array(["cat", "dog"]), (1, 4, 4))
    >>> clf.predict_proba(np.zeros((5, 4, 4), np.uint8)).shape
    (5, 2)
    """

    def __init__(
        self,
        members: Sequence[EnsembleMember],
        classes: Classes,
        input_shape: tuple[int, ...],
        scaling: Scaling = _DEFAULT_SCALING,
        *,
        voting: str = "mean",
        weights: Sequence[float] | None = None,
        provenance: Provenance = _UNKNOWN,
        temperature: float = 1.0,
        cascade: Cascade | None = None,
        device: str = "cpu",
        batch_size: int = BATCH_SIZE,
    ) -> None:
        description = Description(
            tuple(member.info for member in members), classes, tuple(input_shape), scaling,
            voting, tuple(map(float, weights or ())), provenance, temperature, cascade,
        )  # fmt: skip
        super().__init__(description, batch_size)
        self.members = tuple(members)
        self.device = device
        self.cascade = False
        self._set("device", device)

    def _member_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        with torch.inference_mode():
            scaled = self._scaled(samples)
            parts = [self._probabilities(row, scaled) for row in range(len(self.members))]
            found: NDArray[np.float32] = torch.stack(parts).cpu().numpy()
        return found

    def _probabilities(self, row: int, scaled: torch.Tensor) -> torch.Tensor:
        return self._layouts[row].through(self.members[row].network, scaled).float().softmax(-1)

    def _team_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        if not self.cascade:
            return super()._team_probabilities(samples)
        return self._tempered(self._cascaded(samples).probabilities)

    def _scaled(self, samples: Samples) -> torch.Tensor:
        return self.description.scaling(torch.tensor(samples).to(self.device))

    def _cascaded(self, samples: Samples) -> CascadeRun:
        about = self.description
        if about.cascade is None:
            raise RequestError("this ensemble has no cascade; see ensemble.cascade.fit_cascade")
        with torch.inference_mode():
            scaled = self._scaled(samples)

            def run(member: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
                chosen = scaled if len(rows) == len(scaled) else scaled[torch.from_numpy(rows)]
                return np.asarray(self._probabilities(member, chosen).cpu().numpy())

            return run_cascade(about.cascade, len(samples), run, about.weights, about.voting)

    def members_used(self, X: Any) -> NDArray[np.int64]:
        """Return (N,) how many members the cascade runs for each sample."""
        parts = [self._cascaded(samples).used for samples in self._batches(X)]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what `set_params` can change."""
        return super().get_params(deep) | {"device": self.device, "cascade": self.cascade}

    def _set(self, name: str, value: Any) -> None:
        fitted = self.description.cascade is not None
        if name == "cascade" and value not in (False, fitted):
            raise RequestError(f"cascade {value!r}: allowed is False, or True where one was fitted")
        if name == "device":
            try:
                networks = [member.network.to(value).eval() for member in self.members]
            except (RuntimeError, AssertionError) as error:
                reason = str(error).splitlines()[0]
                raise RequestError(f"device {value!r} cannot be used: {reason}") from error
            self._layouts = [Layout.of(network, value) for network in networks]
        super()._set(name, value)
