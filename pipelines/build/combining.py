"""ONNX classifiers made elsewhere become a team: run, chosen, merged into one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import fit_temperature
from ensemble.combination import Combination
from ensemble.description import Description, MemberInfo, Provenance
from ensemble.onnx.export import file_bytes, graph_bytes
from ensemble.onnx.runtime import OnnxEnsemble, open_graph
from ensemble.probe import SINGLE, Probe, few
from ensemble.reading.inputs import AsStored
from pipelines.build.labelled import LabelledSamples
from pipelines.run.choice_files import Choice, keep_choice
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.inference.cost import Cost
from pruning.samples.scaling import Scaling
from selection.choosing import select_team
from selection.costs import PoolCosts
from selection.pool import SUM_TOLERANCE, PoolPredictions
from selection.voting import VOTES, Vote, vote

BATCHES = (1, 3, 41)
"""Samples at a time at which the merged file must answer as its members do."""


@dataclass(frozen=True)
class Combined:
    """What was made.

    Attributes
    ----------
    choice
        The team and the predictions that it was chosen from; of test samples too, if given.
    uncounted
        By model: operations whose FLOPs are not in its count.
    """

    choice: Choice
    uncounted: dict[str, tuple[str, ...]]


def combine(
    models: Sequence[Path], labelled: LabelledSamples, config: SelectionConfig, scaling: Scaling,
    folder: Path,
) -> Combined:  # fmt: skip
    """Choose a team of ONNX classifiers and write it to `folder` as one ``ensemble.onnx``.

    Parameters
    ----------
    models
        At least two ``.onnx`` files of classifiers: one input, an output (N, C) of logits or
        probabilities, the classes in one order.
    labelled
        Samples that no model was trained on, on which the team is chosen; and a test part.
    config
        How.
    scaling
        What makes of samples the input of those models that take floats.
    folder
        Gets the file and the choice, which `ensemble compare` reads.

    Raises
    ------
    RequestError
        If a model cannot be a member, by name; nothing is written then.
    """
    try:
        from ensemble.onnx.counting import count_graph
        from ensemble.onnx.foreign import ForeignModel, read_model
        from ensemble.onnx.merging import Member, merged
    except ImportError as error:
        raise RequestError(f"combine needs {error.name}; install dropnet-ensemble[onnx]") from error
    voting = VOTES[config.voting]
    if voting.__call__ is not Vote.__call__:
        raise RequestError(f"`voting` {config.voting!r} has no form here; allowed are means: mean")
    found: list[ForeignModel] = [read_model(path, labelled.samples) for path in models]
    names = [model.name for model in found]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if len(models) < 2 or twice:
        said = f"two models are called {twice[0]!r}" if twice else f"{len(models)} model"
        raise RequestError(f"{said}; a team is made of at least two, of distinct file names")
    answers = [model.answers(labelled.samples, scaling) for model in found]
    _check_classes(names, answers, labelled)
    logits = [not _sums_to_one(answer) for answer in answers]
    pool = _pool(names, answers, logits, labelled.labels, "select")
    sample = labelled.samples.shape[1:]
    counted = [
        count_graph(model.proto, (*sample[1:], sample[0]) if model.last else sample)
        for model in found
    ]
    costs = PoolCosts.of(
        flops=None if any(missed for _, missed in counted) else [c.flops for c, _ in counted],
        bytes=[cost.bytes for cost, _ in counted],
    )
    selection = select_team(
        pool, config.method, config.size, costs=costs, voting=config.voting,
        budget=config.budget, **config.method_options,
    )  # fmt: skip
    rows = list(selection.rows)
    about = _described(
        [(names[row], counted[row][0]) for row in rows], labelled, scaling,
        Combination(config.voting, selection.weights, _temperature(pool, rows, selection.weights)),
        Provenance("", "", selection.method, len(models), selection.accuracy),
    )  # fmt: skip
    graph = graph_bytes(merged([Member(found[row], logits[row]) for row in rows], about))
    opened = open_graph(graph, about, "the merged graph")
    _check_answers(opened, labelled.samples, pool.probabilities[rows])
    test = None
    if labelled.test_samples is not None and labelled.test_labels is not None:
        held_out = [model.answers(labelled.test_samples, scaling) for model in found]
        test = _pool(names, held_out, logits, labelled.test_labels, "test")
    choice = Choice(
        labelled.name, tuple(map(str, labelled.classes.tolist())), costs, selection, pool, test
    )
    keep_choice(choice, folder, file_bytes(graph, about, _probe(opened, labelled)))
    return Combined(choice, {name: c[1] for name, c in zip(names, counted, strict=True) if c[1]})


def _described(
    members: Sequence[tuple[str, Cost]], labelled: LabelledSamples, scaling: Scaling,
    combination: Combination, provenance: Provenance,
) -> Description:  # fmt: skip
    return Description(
        members=tuple(MemberInfo(name, "onnx", cost) for name, cost in members),
        classes=labelled.classes,
        input_shape=labelled.samples.shape[1:],
        scaling=replace(scaling, reading=labelled.reading),
        combination=combination,
        provenance=provenance,
    )


def _check_classes(
    names: Sequence[str], answers: Sequence[NDArray[np.float32]], labelled: LabelledSamples
) -> None:
    for name, answer in zip(names, answers, strict=True):
        if answer.shape[1] != len(labelled.classes):
            raise RequestError(
                f"{name} tells {answer.shape[1]} classes apart, {labelled.name} has "
                f"{len(labelled.classes)}; an array classes there names all that models know"
            )


def _sums_to_one(answer: NDArray[np.float32]) -> bool:
    """Return whether (N, C) answers are probabilities already; logits otherwise."""
    sums = answer.sum(1, dtype=np.float64)
    return bool((answer >= 0).all() and (np.abs(sums - 1) <= SUM_TOLERANCE).all())


def _pool(
    names: Sequence[str], answers: Sequence[NDArray[np.float32]], logits: Sequence[bool],
    labels: NDArray[np.int64], split: str,
) -> PoolPredictions:  # fmt: skip
    rows = [_softmax(a) if logit else a for a, logit in zip(answers, logits, strict=True)]
    return PoolPredictions(np.stack(rows), labels, tuple(names), split)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return shares


def _temperature(pool: PoolPredictions, rows: list[int], weights: Sequence[float]) -> float:
    team = vote(pool.probabilities[rows], np.asarray(weights))
    return fit_temperature(team, pool.labels)


def _check_answers(
    opened: OnnxEnsemble, samples: NDArray[Any], expected: NDArray[np.float32]
) -> None:
    """Refuse a merged graph that does not answer as its members did one by one."""
    for count in BATCHES:
        at = np.arange(count) % len(samples)
        try:
            found = opened.predict_members(AsStored(samples[at]))
        except Exception as error:  # onnxruntime's errors share no other class
            reason = str(error).splitlines()[0][:200]
            raise RequestError(f"the team does not run on {count} samples: {reason}") from error
        probe = Probe.of(expected[:, at], SINGLE)
        for member, info in enumerate(opened.description.members):
            if probe.strays(member, found[member]):
                raise RequestError(
                    f"{info.name} answers {count} samples otherwise than {len(samples)} at once: "
                    "it must take any number of samples, each on its own"
                )


def _probe(opened: OnnxEnsemble, labelled: LabelledSamples) -> Probe:
    samples = few(labelled.samples)
    return Probe.of(opened.predict_members(AsStored(samples)), SINGLE, samples)
