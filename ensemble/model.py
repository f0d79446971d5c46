"""The ensemble on torch: its networks, and the scikit-learn face of `Classifier`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from ensemble.artefact.writing import write_folder
from ensemble.cascade import CascadeRun, run_cascade
from ensemble.classifier import Classifier
from ensemble.combination import Combination
from ensemble.description import Classes, Description, Provenance
from ensemble.member import EnsembleMember, TrainedMember, as_members
from ensemble.probe import Probe
from ensemble.probing import take_probe
from ensemble.reading.arrays import Samples
from pruning.core.errors import RequestError
from pruning.inference.layout import Layout
from pruning.samples.scaling import Scaling

if TYPE_CHECKING:
    from ensemble.onnx.quantize import Int8Report

AS_THEY_ARE = Scaling((0.0,), (1.0,))
"""What feature rows are made network input with unless told otherwise."""


class Ensemble(Classifier):
    """A team of torch networks that votes.

    Parameters
    ----------
    networks
        At least one: modules trained anywhere, what `pruning.dropnet.dropnet` yields, or
        `EnsembleMember`. They are moved to the processor and put in eval mode, not copied.
    classes
        (C,) whole numbers or texts: the class of each logit.
    input_shape
        (C, H, W) for images, (C, T) for signals or (F,) for feature rows.
    scaling
        How what is stored becomes network input; None takes images to 0..1 and leaves rows as
        they are.
    combination
        How the members' probabilities become the team's; None is their mean.
    provenance
        Where it comes from.
    feature_names
        (F,) names of the columns of feature rows; empty where they have none.

    Raises
    ------
    RequestError
        Where the parts do not fit together, or a network answers no logits.

    >>> networks = [nn.Sequential(nn.Flatten(), nn.Linear(16, 2)) for _ in range(3)]
    >>> clf = Ensemble(networks, classes=["cat", "dog"], input_shape=(1, 4, 4))
    >>> clf.predict_proba(np.zeros((5, 4, 4), np.uint8)).shape
    (5, 2)
    """

    def __init__(
        self,
        networks: Sequence[nn.Module | TrainedMember | EnsembleMember],
        classes: ArrayLike,
        input_shape: Sequence[int],
        *,
        scaling: Scaling | None = None,
        combination: Combination | None = None,
        provenance: Provenance | None = None,
        feature_names: Sequence[str] = (),
    ) -> None:
        shape, labels = tuple(input_shape), _as_classes(classes)
        if scaling is None:
            scaling = AS_THEY_ARE if len(shape) == 1 else Scaling()
        self.members = as_members(networks, shape, len(labels), scaling)
        super().__init__(
            Description(
                tuple(member.info for member in self.members), labels, shape, scaling,
                combination or Combination(), provenance or Provenance(), tuple(feature_names),
            )
        )  # fmt: skip
        self.cascade = False
        self.device = "cpu"
        self._set("device", self.device)

    def save(self, folder: str | PathLike[str], *, probe: Any = None) -> None:
        """Write the ensemble to a folder that `ensemble.load` reads, whole or not at all.

        Of each member its weights are kept and the name of its architecture, not its code: one
        that is no registered architecture is loaded with
        ``ensemble.load(folder, factories={arch: make})``, where ``make(num_classes,
        input_shape)`` builds it; ``description.members[i].arch`` is the name.

        Parameters
        ----------
        folder
            Replaced if it holds an ensemble; refused if it holds anything else.
        probe
            Samples, of which the first few are stored with the members' answers, to check a
            loaded copy by; None takes noise. See `ensemble.probe`.
        """
        write_folder(Path(folder), self.members, self.description, self._probe(probe))

    def export(self, path: str | PathLike[str], *, probe: Any = None) -> None:
        """Write the ensemble as one ``.onnx`` file, which needs no torch and no factory.

        Parameters
        ----------
        path
            The file.
        probe
            As in `save`; here the written graph is checked by it too.
        """
        from ensemble.onnx.export import export_onnx

        export_onnx(Path(path), self.members, self.description, self._probe(probe))

    def export_int8(
        self, path: str | PathLike[str], X: Any, y: ArrayLike, *, allowed_loss: float = 0.01
    ) -> Int8Report:
        """Write it as one ``.onnx`` file with int8 inside; see `ensemble.onnx.quantize`."""
        from ensemble.onnx.quantize import export_int8

        return export_int8(
            Path(path), self.members, self.description, X, y, allowed_loss=allowed_loss
        )

    def _probe(self, given: Any) -> Probe | None:
        samples = None
        if given is not None:
            samples = next(self._batches(given), None)
        return take_probe(self.members, self.description, samples)

    def _member_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        with torch.inference_mode():
            scaled = self._scaled(samples)
            parts = [self._probabilities(row, scaled) for row in range(len(self.members))]
            found: NDArray[np.float32] = torch.stack(parts).cpu().numpy()
        return found

    def _probabilities(self, row: int, scaled: torch.Tensor) -> torch.Tensor:
        network = self.members[row].network
        if row not in self._layouts:
            self._layouts[row] = Layout.of(network, scaled[:1])
        return self._layouts[row].through(network, scaled).float().softmax(-1)

    def _team_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        if not self.cascade:
            return super()._team_probabilities(samples)
        return self._tempered(self._cascaded(samples).probabilities)

    def _scaled(self, samples: Samples) -> torch.Tensor:
        return self.description.scaling(torch.tensor(samples).to(self.device))

    def _cascaded(self, samples: Samples) -> CascadeRun:
        how = self.description.combination
        if how.cascade is None:
            raise RequestError("this ensemble has no cascade; see ensemble.cascade.fit_cascade")
        with torch.inference_mode():
            scaled = self._scaled(samples)

            def run(member: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
                chosen = scaled if len(rows) == len(scaled) else scaled[torch.from_numpy(rows)]
                return np.asarray(self._probabilities(member, chosen).cpu().numpy())

            return run_cascade(how.cascade, len(samples), run, how.weights, how.voting)

    def members_used(self, X: Any) -> NDArray[np.int64]:
        """Return (N,) how many members the cascade runs for each sample."""
        parts = [self._cascaded(samples).used for samples in self._batches(X)]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what `set_params` can change."""
        return super().get_params(deep) | {"device": self.device, "cascade": self.cascade}

    def _set(self, name: str, value: Any) -> None:
        fitted = self.description.combination.cascade is not None
        if name == "cascade" and (not isinstance(value, bool) or value > fitted):
            raise RequestError(f"cascade {value!r}: allowed is False, or True where one was fitted")
        if name == "device":
            try:
                if torch.device(value).type == "meta":
                    raise RuntimeError("it computes nothing")
                for member in self.members:
                    member.network.to(value).eval()
            except (RuntimeError, AssertionError, TypeError) as error:
                reason = str(error).splitlines()[0]
                raise RequestError(
                    f"device {value!r} cannot be used: {reason.rstrip('.:')}; allowed are 'cpu', "
                    "'cuda' and others that torch finds here"
                ) from error
            self._layouts: dict[int, Layout] = {}
        super()._set(name, value)


def _as_classes(classes: ArrayLike) -> Classes:
    """Return classes as int64 or str; what is neither is left for `Description` to refuse."""
    given = np.asarray(classes)
    if given.dtype == object and all(isinstance(label, str) for label in given.ravel()):
        given = given.astype(np.str_)
    return given.astype(np.int64) if given.dtype.kind in "iu" else given
