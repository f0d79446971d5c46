"""Does an exported graph take any number of samples, and answer as the networks do?

What a network reads of its batch as a plain number (``len(x)``, ``int(x.shape[0])``) stands in
the graph as the number that the export was made with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.onnx.runtime import OnnxEnsemble
from ensemble.probe import Probe, noise
from ensemble.probing import member_answers, tolerance_of
from ensemble.reading.arrays import Samples
from ensemble.reading.inputs import AsStored
from pruning.core.seeds import set_back

BATCHES = (1, 3, 41)
"""Samples at a time: one, few, and a number that no network was written for."""


def fault(
    model: OnnxEnsemble,
    members: Sequence[EnsembleMember],
    about: Description,
    given: Samples | None = None,
) -> str | None:
    """Return what is wrong with a graph's answers at the batch sizes; None where nothing is.

    Parameters
    ----------
    model
        The graph, opened.
    members, about
        What it was made of.
    given
        Samples to ask instead of noise, repeated as often as needed.

    Returns
    -------
    str or None
        Goes on from the graph's name: ``"does not run on 3 samples: …"``. None also where the
        networks themselves cannot be asked.
    """
    for count in BATCHES:
        asked = "1 sample" if count == 1 else f"{count} samples"
        samples = _samples(about, given, count)
        try:
            with set_back():
                expected, again = (member_answers(members, about, samples) for _ in range(2))
        except Exception:  # such as an embedding, for which noise is no input
            return None
        try:
            found = model.predict_members(AsStored(samples))
        except Exception as error:  # onnxruntime's errors share no other class
            return f"does not run on {asked}: {str(error).splitlines()[0][:200]}"
        probe = Probe.of(expected, tolerance_of(members))
        for row, member in enumerate(members):
            steady = not probe.strays(row, again[row])
            if steady and probe.strays(row, found[row]):
                return f"answers {asked} otherwise than member {member.info.name!r} does"
    return None


def _samples(about: Description, given: Samples | None, count: int) -> Samples:
    if given is None:
        return noise(about.input_shape, about.scaling, count)
    return np.resize(given, (count, *given.shape[1:]))
