"""Score the units of a trained network, cut the least important out, and see what it costs.

Nothing of DropNet's loop is needed for this: any trained network will do. Run it as
``python examples/importance_and_surgery.py``; it takes a few seconds.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F  # noqa: N812

from pruning import check, count_cost, find_groups, full_masks, importance, shrink

SHAPE = (1, 8, 8)


class Net(nn.Module):
    """A small residual network: the sum couples the channels of its first two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1)
        self.block = nn.Conv2d(12, 12, 3, padding=1)
        self.hidden = nn.Linear(12 * 16, 40)
        self.output = nn.Linear(40, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, 1, 8, 8) to (B, 10) logits."""
        x = F.relu(self.stem(x))
        x = F.max_pool2d(F.relu(x + self.block(x)), 2)
        return self.output(F.relu(self.hidden(x.flatten(1))))


def main() -> None:
    """Train, score, cut, and compare with cutting at random."""
    digits = load_digits()
    X = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target)
    train, test = slice(0, 1200), slice(1200, None)
    network = trained(X[train], y[train])

    report = check(network, SHAPE)
    print(f"pruning can remove up to {report.removable_flops:.0%} of the FLOPs")
    groups = find_groups(network, SHAPE)
    for group in groups:
        print(f"  group {group.name!r}: {group.size} units, made by {', '.join(group.producers)}")

    print("\nmetric    units  FLOPs  accuracy on test, nothing retrained")
    print(line("unpruned", network, sum(group.size for group in groups), X[test], y[test]))
    for metric in ("random", "minimum", "taylor"):
        scores = importance(network, X[train], metric, y[train])
        masks = full_masks(groups)
        for name, score in scores.items():
            masks[name] = score > score.quantile(0.5)  # the better half of each group
        small = shrink(network, groups, masks)
        units = sum(int(mask.sum()) for mask in masks.values())
        print(line(metric, small, units, X[test], y[test]))


def trained(X: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """Return a network trained by a plain loop of one's own."""
    torch.manual_seed(0)
    network = Net()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(12):
        for batch in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(network(X[batch]), y[batch]).backward()
            optimizer.step()
    return network.eval()


@torch.inference_mode()
def line(name: str, network: nn.Module, units: int, X: torch.Tensor, y: torch.Tensor) -> str:
    """Return a row of the table."""
    accuracy = (network(X).argmax(1) == y).float().mean()
    return f"{name:9s} {units:5d} {count_cost(network, SHAPE).flops:6d}  {accuracy:.3f}"


if __name__ == "__main__":
    main()
