"""Uneven classes: told before training, and trained so that each counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.build import build
from pipelines.build.data import uneven_classes
from pipelines.run.config import BuildConfig
from pruning.data.splits import Splits


def splits(few: int, many: int) -> Splits:
    """Return two classes of feature rows that overlap."""
    rng = np.random.default_rng(0)
    y = np.repeat(["healthy", "ill"], [many, few])
    X = rng.normal(size=(len(y), 6)) + 0.9 * (y == "ill")[:, None]
    return Splits.from_arrays(X, y)


def test_what_accuracy_hides_is_told_with_the_way_out() -> None:
    (line,) = uneven_classes(splits(10, 190), "none")
    assert line == (
        "classes are uneven: 6 of 120 training samples are 'ill', 114 'healthy'; always naming "
        "'healthy' is right for 95.0 %, and chance is that; `class_weights` balanced lets every "
        "class count alike"
    )
    (line,) = uneven_classes(splits(10, 190), "balanced")
    assert line.endswith("val accuracy is the mean over the classes")
    assert uneven_classes(splits(60, 140), "none") == []


def test_balanced_weights_recognise_the_rare_class_and_kappa_goes_by_them() -> None:
    data, lines, recalls = splits(60, 1140), list[str](), {}
    val = data.val
    for weights in ("none", "balanced"):
        config = BuildConfig.of(
            m=3, s=2, arch=("mlp-a",), rounds=1, keep=0.0, kappa=0.0, class_weights=weights
        )
        built = build(config, data, tell=lines.append)
        predicted = built.ensemble.predict(data.test.images)
        rare = data.test.labels == 1
        recalls[weights] = (predicted[rare] == "ill").mean()
        for history in built.histories:
            record = history.rounds[0]
            assert weights == "none" or not record.collapsed
            network = record.load().network.eval()
            answers = network(data.scaling(torch.tensor(val.images))).argmax(1).numpy()
            shares = [(answers[val.labels == c] == c).mean() for c in (0, 1)]
            mean = np.mean(shares) if weights == "balanced" else (answers == val.labels).mean()
            assert record.val_accuracy == pytest.approx(mean)
    assert recalls["balanced"] > recalls["none"] + 0.2
    assert sum("classes are uneven" in line for line in lines) == 2
