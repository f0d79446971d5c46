"""The whole build on arrays of one's own: networks in, a team and its comparison out, no files.

Run it as ``python examples/build_and_compare.py``; it takes a few seconds. With ``out=`` a folder,
the same call writes a run, goes on where it was stopped, and trains nothing a second time.
"""

from __future__ import annotations

from sklearn.datasets import load_digits
from torch import nn

from pipelines import BuildConfig, SelectionConfig
from pipelines.build import build
from pipelines.report import compare
from pruning import DropNet, Recipe, Splits


def make_net(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    """Return a network whose hidden units can be pruned."""
    return nn.Sequential(
        nn.Linear(input_shape[0], 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(),
        nn.Linear(40, num_classes),
    )  # fmt: skip


def main() -> None:
    """Train and prune six networks on digits, choose three, and compare them."""
    X, y = load_digits(return_X_y=True)
    splits = Splits.from_arrays(X, y, seed=0)
    config = BuildConfig(
        m=6,
        archs=(make_net,),
        dropnet=DropNet(fraction=0.3, keep=0.2, recipe=Recipe(max_epochs=10)),
        selection=SelectionConfig(size=3),
    )
    built = build(config, splits)

    for history in built.histories:
        accuracies = " ".join(f"{record.val_accuracy:.3f}" for record in history.rounds)
        print(f"run {history.run}: {accuracies}")
    print(f"handed on: {', '.join(f'{one.id} ({one.remaining:.0%})' for one in built.handed_on)}")
    print(f"chosen: {', '.join(built.selection.team)}")

    team = built.ensemble
    y_test = splits.classes[splits.test.labels]
    print(f"accuracy on the test part: {team.score(splits.test.images, y_test):.4f}")
    print(compare(built).table[["contender", "members", "accuracy", "flops_ratio"]])


if __name__ == "__main__":
    main()
