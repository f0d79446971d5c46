"""Data-free pruning of the MNIST LeNet beside the published accuracies (Srinivas & Babu 2015).

    python benchmarks/pruning/datafree_lenets.py --out lenets
    python benchmarks/pruning/datafree_mnist.py --lenets lenets

Prints, for each number of neurons removed of the 500, the mean test accuracy of the trained
networks: merging (the heuristic, its term of weights alone, the exact saliency), the smallest
weights first, random; and where each network's data-free cut-off lies. No network is retrained.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import load_file
from torch import nn

from pipelines.reproduction.datafree_curve import DataFreeCurve
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.datafree.network import prune_data_free
from pruning.datafree.settings import Saliency
from pruning.networks.architecture import build_network
from pruning.networks.weights import load_weights

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SHAPE = (1, 28, 28)
Pruner = Callable[[nn.Module, int], nn.Module]


def _by(how: Literal["exact", "heuristic", "magnitude", "random"]) -> Pruner:
    curve = DataFreeCurve(how, "", how)
    return lambda network, count: curve.without(network, SHAPE, count)


def _without_biases(network: nn.Module, count: int) -> nn.Module:
    """Merged by the heuristic's first term: units are as far apart as their weights."""
    equal = copy.deepcopy(network)
    bias = equal.get_parameter("fc.bias")
    kept = bias.detach().clone()
    nn.init.zeros_(bias)
    merged = prune_data_free(equal, SHAPE, count={"fc": count}, saliency="heuristic")
    merged.network.get_parameter("fc.bias").data = kept[merged.masks["fc"]]
    return merged.network


PRUNERS: dict[str, Pruner] = {
    "magnitude": _by("magnitude"),
    "random": _by("random"),
    "heuristic": _by("heuristic"),
    "heuristic of weights alone": _without_biases,
    "exact": _by("exact"),
}


@torch.inference_mode()
def _features(network: nn.Sequential, splits: Splits) -> torch.Tensor:
    images = torch.tensor(splits.test.images).split(1000)
    return torch.cat([network[:5](splits.scaling(part)) for part in images])


@torch.inference_mode()
def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=SHARED / "data")
    parser.add_argument("--reference", type=Path, default=SHARED / "reference")
    parser.add_argument("--lenets", type=Path, default=Path("lenets"))
    options = parser.parse_args()
    published = json.loads((options.reference / "datafree_tables.json").read_text())["lenet_mnist"]
    splits = load_splits("mnist", data_dir=options.data_dir).splits
    networks: list[Any] = [  # sequences
        load_weights(build_network("lenet", 10, SHAPE, 0), load_file(path)).eval()
        for path in sorted(options.lenets.glob("lenet-*.safetensors"))
    ]

    features = [_features(network, splits) for network in networks]
    labels = torch.tensor(splits.test.labels)

    def accuracy(pruned: Iterable[Any]) -> float:
        """Mean over the networks; the convolutions are the same before and after."""
        hits = [
            (network[5:](seen).argmax(1) == labels).double().mean()
            for network, seen in zip(pruned, features, strict=True)
        ]
        return float(torch.stack(hits).mean()) * 100

    print(f"{len(networks)} networks, unpruned {accuracy(networks):.2f} %")
    print(f"| removed | published | {' | '.join(PRUNERS)} | heuristic - published |")
    print("|" + "---|" * (len(PRUNERS) + 3))
    for row in published["rows"]:
        count, theirs = row[0], row[3]
        ours = {
            name: accuracy(pruner(network, count) for network in networks)
            for name, pruner in PRUNERS.items()
        }
        cells = " | ".join(f"{value:.2f}" for value in ours.values())
        print(f"| {count} | {theirs} | {cells} | {ours['heuristic'] - theirs:+.2f} |", flush=True)
    for saliency in get_args(Saliency):
        done = [prune_data_free(n, SHAPE, saliency=saliency) for n in networks]
        removed = [len(pruned.merges["fc"]) for pruned in done]
        at_cut = accuracy(pruned.network for pruned in done)
        print(f"{saliency}: the cut-off removes {removed} (published: 440), {at_cut:.2f} %")


if __name__ == "__main__":
    main()
