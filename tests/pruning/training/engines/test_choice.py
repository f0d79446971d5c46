from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pruning_support import blobs
from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, dropnet
from pruning.inference.stackable import plain_mlp, stackable
from pruning.networks.architecture import build_network
from pruning.training.engines import precision
from pruning.training.engines.choosing import choose_engine
from pruning.training.recipe import Recipe


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), True),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU()), False),
        (nn.Sequential(nn.ReLU(), nn.Linear(4, 3)), False),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.Linear(3, 2)), False),
        (nn.Linear(4, 3), False),
        (nn.Sequential(), False),
    ],
)
def test_what_can_be_stacked(network: nn.Module, expected: bool) -> None:
    assert stackable(network) is plain_mlp(network) is expected


def _frozen() -> nn.Sequential:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3))
    network[1].requires_grad_(False)
    return network


def _shared() -> nn.Sequential:
    layer = nn.Linear(16, 16)
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(16, 3))


UNLIKE_MATRICES = {
    "no bias": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(16, 5, bias=False), nn.ReLU(), nn.Linear(5, 3)
    ),
    "frozen": _frozen,
    "shared": _shared,
    "by rows": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3)
    ),
    "flattened in part": lambda: nn.Sequential(nn.Flatten(2), nn.Linear(16, 3), nn.Flatten()),
}  # fmt: skip


@pytest.mark.parametrize("make", UNLIKE_MATRICES.values(), ids=UNLIKE_MATRICES)
def test_plain_mlps_that_are_no_stack_of_matrices_are_left_to_the_loop(
    make: Callable[[], nn.Sequential],
) -> None:
    network = make()
    assert not stackable(network)
    assert choose_engine("auto", network, "cpu", 1) == "loop"
    with pytest.raises(RequestError, match="all have biases" if plain_mlp(network) else "plain"):
        choose_engine("stacked", network, "cpu", 1)


@pytest.mark.parametrize("kind", ["no bias", "frozen", "by rows"])
def test_what_is_no_stack_of_matrices_trains_all_the_same(kind: str) -> None:
    network, settings = UNLIKE_MATRICES[kind](), DropNet(rounds=1, recipe=Recipe(max_epochs=2))
    unpruned, pruned = (m[0] for m in dropnet(network, blobs(shape=(1, 4, 4)), settings))
    assert pruned.round == 1
    before, after = network.state_dict(), unpruned.network.state_dict()
    kept = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert kept == {name for name, p in network.named_parameters() if not p.requires_grad}


MLP, CONV = (build_network(name, 3, (1, 4, 4), 0) for name in ("mlp-a:3", "conv-b:2-2"))


@pytest.mark.parametrize(
    ("units", "network", "expected"),
    [
        (True, MLP, "stacked"),
        (False, MLP, "stacked"),
        (True, CONV, "loop-bf16"),
        (False, CONV, "loop"),
        (True, nn.Linear(3, 2), "loop"),
    ],
)
def test_auto_takes_what_network_and_processor_are_best_at(
    monkeypatch: pytest.MonkeyPatch, units: bool, network: nn.Module, expected: str
) -> None:
    monkeypatch.setattr(precision, "has_bf16_units", lambda device: units)
    assert choose_engine("auto", network, "cpu") == expected


@pytest.mark.parametrize(
    ("asked", "network", "said"),
    [
        ("loop-bf16", CONV, r"`engine` 'loop-bf16' needs units for bfloat16 \(AVX-512 BF16 or AMX\)"
                            r", which this processor lacks; allowed auto, loop$"),
        ("stacked", CONV, r"`engine` 'stacked' runs plain MLPs .*, which this network is not; "
                          r"allowed auto, loop$"),
        ("streams", MLP, "`engine` 'streams' needs `device` 'cuda'; allowed auto, loop, "
                         "stacked$"),
        ("lopp", MLP, "unknown engine 'lopp'; did you mean 'loop'\\? known: loop, "),
    ],
)  # fmt: skip
def test_an_engine_that_cannot_run_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, asked: str, network: nn.Module, said: str
) -> None:
    monkeypatch.setattr(precision, "has_bf16_units", lambda device: False)
    with pytest.raises(RequestError, match=said):
        choose_engine(asked, network, "cpu")


def test_an_engine_that_is_asked_for_and_can_run_is_taken() -> None:
    assert choose_engine("loop", MLP, "cpu") == "loop"
