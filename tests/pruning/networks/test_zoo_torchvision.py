from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network, built_in


def test_a_torchvision_classifier_by_name_reads_any_number_of_channels() -> None:
    network = build_network("torchvision:squeezenet1_1", 7, (1, 64, 64), 3)
    again = build_network("torchvision:squeezenet1_1", 7, (1, 64, 64), 3)
    assert network.eval()(torch.rand(2, 1, 64, 64)).shape == (2, 7)
    for key, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_no_auxiliary_heads(name: str) -> None:
    with torch.device("meta"):
        network = build_network(f"torchvision:{name}", 4, (3, 96, 96), 0)
        assert network.train()(torch.empty(2, 3, 96, 96)).shape == (2, 4)


def test_an_unknown_classifier_is_said() -> None:
    with pytest.raises(RequestError, match="unknown torchvision classifier 'resnet19'; did you"):
        build_network("torchvision:resnet19", 4, (3, 32, 32), 0)


def test_a_factory_that_raises_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raising_net.py").write_text("def make(classes, shape):\n    return shape[7]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RequestError, match=r"'raising_net:make' cannot be built.*IndexError"):
        build_network("raising_net:make", 2, (3, 2, 2), 0)


def test_what_is_built_in() -> None:
    assert built_in("vgg19") and built_in("torchvision:vgg11") and built_in("mlp-a:3-3")
    assert not built_in("mypkg.nets:make")
