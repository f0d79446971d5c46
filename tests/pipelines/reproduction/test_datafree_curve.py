"""Units of LeNet's dense layer removed four ways from the same trained networks."""

import dataclasses

import numpy as np
import pytest
import torch

from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claim import CurveWork, Run
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.datafree_curve import CAFFE, DataFreeCurve
from pipelines.reproduction.running import Source, nine_tenths_train

FIGURE = CLAIMS["datafree"].figures[0]
SHARES = (1.0, 0.5, 0.1)


def test_every_way_removes_units_of_the_same_networks() -> None:
    splits = nine_tenths_train(Source().splits("mnist", Budget(quick=True)))
    recipe = dataclasses.replace(CAFFE, max_epochs=4, batch_size=32)
    made: dict[str, list[Run]] = {}
    for curve in FIGURE.curves:
        assert isinstance(curve, DataFreeCurve)
        learning = dataclasses.replace(curve, recipe=recipe)
        *_, made[curve.name] = learning.runs(CurveWork(FIGURE.arch, (0, 1), splits, "cpu", SHARES))

    for runs in made.values():
        assert [run.remaining for run in runs] == [list(SHARES)] * 2
        assert all(run.epochs == [4, 0, 0] for run in runs)
        assert [run.accuracy[0] for run in runs] == [run.accuracy[0] for run in made["exact"]]
        assert all(run.accuracy[0] > 0.8 for run in runs)
    assert made["exact"][0].accuracy != made["exact"][1].accuracy
    assert made["exact"][0].accuracy[1:] != made["random"][0].accuracy[1:]


@pytest.mark.parametrize("how", ["exact", "heuristic", "magnitude", "random"])
def test_so_many_units_go_and_the_network_given_stays(how: str) -> None:
    network = torch.nn.Sequential()
    network.add_module("flatten", torch.nn.Flatten())
    network.add_module("fc", torch.nn.Linear(16, 12))
    network.add_module("relu", torch.nn.ReLU())
    network.add_module("out", torch.nn.Linear(12, 3))
    before = network.fc.weight.detach().clone()

    small = DataFreeCurve(how, "", how).without(network, (1, 4, 4), 5)  # type: ignore[arg-type]

    assert small.get_parameter("fc.weight").shape == (7, 16)
    assert torch.equal(network.fc.weight, before)
    if how == "magnitude":  # those that stay are the largest
        norms = np.sort(before.norm(dim=1).numpy())[5:]
        assert np.sort(small.get_parameter("fc.weight").norm(dim=1).detach()) == pytest.approx(
            norms
        )


def test_any_units_are_drawn_by_the_runs_seed() -> None:
    curve = DataFreeCurve("random", "", "random")
    network = torch.nn.Sequential()
    for name, layer in (("fc", torch.nn.Linear(16, 40)), ("relu", torch.nn.ReLU()),
                        ("out", torch.nn.Linear(40, 3))):  # fmt: skip
        network.add_module(name, layer)
    kept = [curve.without(network, (16,), 20, seed).get_parameter("fc.bias") for seed in (0, 0, 1)]

    assert torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[0], kept[2])
