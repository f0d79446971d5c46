"""What the team is held against: members that vote, and learn apart from one another."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F  # noqa: N812

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "accuracy"
MEMBERS = {"packed": 4, "batched": 4, "apart": 4, "mimo": 3}


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("rivals")


@pytest.mark.parametrize("name", MEMBERS)
def test_each_sample_gets_the_mean_shares_of_each_member(rivals: ModuleType, name: str) -> None:
    if name in rivals.NEEDS_LAYERS:
        pytest.importorskip("torch_uncertainty", reason="wants an environment of its own")
    torch.manual_seed(0)
    network = rivals.NETWORKS[name][0](6).eval()
    x = torch.rand(5, 3, 32, 32)
    asked = x.repeat(1, 3, 1, 1) if name == "mimo" else x
    answers = network.answers(asked)
    assert answers.shape == (MEMBERS[name], 5, 6)
    torch.testing.assert_close(network(x).exp(), answers.softmax(-1).mean(0))
    for row in range(5):
        one = network.answers(asked[row : row + 1])[:, 0]
        torch.testing.assert_close(one, answers[:, row], rtol=1e-4, atol=1e-5)


def test_mimo_learns_each_image_by_its_own_label(rivals: ModuleType) -> None:
    network = rivals.Voting(_Echo(), 3, stacked=3)
    labels = torch.tensor([0, 3, 5, 1])
    inputs = F.one_hot(labels, 6).float().mul(100)[:, :3, None, None]
    inputs = torch.cat([inputs, 100.0 * (labels >= 3)[:, None, None, None]], dim=1)
    torch.manual_seed(0)
    loss = rivals.each_on_its_own_images(network, inputs, (labels >= 3).long())
    smoothed = 0.1 * 100 / 2
    assert float(loss) == pytest.approx(smoothed, rel=1e-3), "right but for the smoothing"


class _Echo(torch.nn.Module):
    """Answers with what the fourth channel of each stacked image says."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        said = inputs[:, 3::4, 0, 0]
        return torch.stack([100 - said, said], dim=2).flatten(1)


def test_a_taught_network_follows_labels_and_teachers(rivals: ModuleType) -> None:
    torch.manual_seed(0)
    network, teacher = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    x, labels = torch.rand(6, 4), torch.randint(0, 3, (6,))
    with torch.no_grad():
        shares, logits = (teacher(x) / 2).softmax(1), network(x)
        hard = F.cross_entropy(logits, labels, label_smoothing=0.1)
        soft = -(shares * (logits / 2).log_softmax(1)).sum(1).mean()
        found = rivals.taught_by([teacher, teacher])(network, x, labels)
    assert float(found) == pytest.approx(float(0.1 * hard + 0.9 * 4 * soft), rel=1e-5)


@pytest.fixture
def parts() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    y = torch.arange(12) % 3
    x = torch.rand(12, 3, 32, 32) + y[:, None, None, None]
    return {"x_train": x, "y_train": y, "x_new": x, "y_new": y}


def _write(network: torch.nn.Module, file: Path) -> None:
    layers = [one for one in network.modules() if hasattr(one, "weight")]
    names = ("conv1", "conv2", "conv3", "conv4", "fc", "output")
    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, layer in zip(names, layers, strict=True):
        tensors[f"weights/{name}.weight"] = layer.weight.data
        tensors[f"weights/{name}.bias"] = layer.bias.data
    save_file(tensors, file)


def test_a_soup_is_of_the_last_rounds_network(
    rivals: ModuleType,
    parts: dict[str, torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    networks = importlib.import_module("rival_networks")
    whole, pruned = networks.plain(3), networks.plain(3, (5, 7, 6, 4), 9)
    members = tmp_path / "members" / "000"
    _write(whole, members / "round-9.safetensors")
    _write(pruned, members / "round-10.safetensors")
    monkeypatch.setattr(rivals, "BRANCH_EPOCHS", 1)
    monkeypatch.setattr(rivals, "BRANCHES", 2)
    found = list(rivals.pruned_soup(tmp_path, parts, 3))
    assert [row["rate"] for row in found] == [2e-3, 5e-4]
    [size] = {row["bytes"] for row in found}
    assert size == sum(4 * p.numel() for p in pruned.parameters())
    assert {row["epochs_seen"] for row in found} == {4}
    [before] = {row["before"] for row in found}
    assert before == pytest.approx(rivals.accuracies(pruned, parts["x_new"], parts["y_new"],
                                                     parts["x_train"])[0], abs=1e-4)  # fmt: skip


def test_a_mean_of_networks_is_the_mean_of_their_weights(rivals: ModuleType) -> None:
    networks = importlib.import_module("rival_networks")
    torch.manual_seed(0)
    both = [networks.plain(3, (2, 3, 4, 5), 6) for _ in range(2)]
    mean = rivals.averaged(both)
    for name, value in mean.state_dict().items():
        first, second = (network.state_dict()[name] for network in both)
        torch.testing.assert_close(value, (first + second) / 2)
    assert not torch.equal(next(iter(both[0].parameters())), next(iter(mean.parameters())))
