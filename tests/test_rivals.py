"""What the team is held against: members that vote, and learn apart from one another."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch
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
    network = rivals.RIVALS[name][0](6).eval()
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
        found = rivals.taught([teacher, teacher], network, x, labels)
    assert float(found) == pytest.approx(float(0.1 * hard + 0.9 * 4 * soft), rel=1e-5)
