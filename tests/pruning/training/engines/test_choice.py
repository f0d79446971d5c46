from __future__ import annotations

import pytest
from torch import nn

from pruning.core.errors import RequestError
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network
from pruning.training.engines import precision
from pruning.training.engines.choosing import choose_engine


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
    assert stackable(network) is expected


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
