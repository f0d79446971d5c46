"""Prune a network of your own with DropNet, and see how accurate it stays.

Run it as ``python examples/prune_a_network.py``; it takes a few seconds, and writes
accuracy_against_units.png where matplotlib is installed.
"""

from __future__ import annotations

import importlib.util

from sklearn.datasets import load_digits
from torch import nn

from pruning import DropNet, Recipe, Runs, Splits, count_cost, predict_probabilities
from pruning.dropnet import Member, dropnet, handed_on

RUNS = 2


def make_network(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    """Return any network whose forward pass can be followed; each run draws its own weights."""
    channels, height, width = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * (height // 2) * (width // 2), 32), nn.ReLU(),
        nn.Linear(32, num_classes),
    )  # fmt: skip


def main() -> None:
    """Prune three runs side by side, and print what each round leaves."""
    digits = load_digits()
    splits = Splits.from_arrays(digits.images / 16, digits.target, seed=0)
    recipe = Recipe(batch_size=64, learning_rate=0.005, max_epochs=12)
    settings = DropNet(metric="minimum", fraction=0.3, keep=0.1, kappa=0.95, recipe=recipe)

    rounds = []
    for members in dropnet(Runs.of(make_network, RUNS, seed=0), splits, settings):
        rounds.append(members)
        for member in members:
            layers = {name: int(mask.sum()) for name, mask in member.masks.items()}
            print(
                f"round {member.round}, run {member.run}: {member.units:2d} units {layers}, "
                f"accuracy on val {member.val_accuracy:.3f}"
            )

    unpruned = rounds[0][0]
    pruned = handed_on(
        [m for members in rounds for m in members if m.run == 0], settings.least_held
    )
    print(f"\nthe smallest network of run 0 with {settings.kappa:.0%} of the accuracy on val")
    print("round  units   FLOPs  accuracy on test")
    for member in (unpruned, pruned):
        probabilities = predict_probabilities(member.network, splits.test.images, splits.scaling)
        accuracy = (probabilities.argmax(1) == splits.test.labels).mean()
        cost = count_cost(member.network, splits.input_shape)
        print(f"{member.round:5d} {member.units:6d} {cost.flops:7d}  {accuracy:.3f}")
    if importlib.util.find_spec("matplotlib") is not None:
        plot(rounds)


def plot(rounds: list[tuple[Member, ...]]) -> None:
    """Draw each run's accuracy against the units it still has."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for run in range(RUNS):
        found = [member for members in rounds for member in members if member.run == run]
        units, accuracies = zip(*((m.units, m.val_accuracy) for m in found), strict=True)
        axes.plot(units, accuracies, "o-", label=f"run {run}")
    axes.set_xlabel("units that remain")
    axes.set_ylabel("accuracy on val")
    axes.invert_xaxis()
    axes.legend()
    figure.savefig("accuracy_against_units.png")


if __name__ == "__main__":
    main()
