"""How many neurons can merge depends on what they started from.

    python benchmarks/pruning/datafree_lenets.py --out lenets
    python benchmarks/pruning/datafree_start.py --lenet lenets/lenet-0.safetensors

The dense layers of one trained LeNet are drawn anew, with a smaller or larger spread, and
trained on its convolutions; then neurons are merged away as in ``datafree_mnist.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.data.load import load_splits
from pruning.data.splits import Split
from pruning.datafree.network import prune_data_free
from pruning.datafree.settings import Saliency
from pruning.networks.architecture import build_network
from pruning.networks.weights import load_weights
from pruning.samples.scaling import Scaling

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SHAPE, SPREADS, COUNTS = (1, 28, 28), (0.04, 0.01, 0.001, 0.0001), (300, 400, 440, 470)
DENSE, EPOCHS, BATCH = 5, 5, 64


def main() -> None:
    """Print a Markdown table, a row a spread and saliency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--lenet", type=Path, default=Path("lenets/lenet-0.safetensors"))
    options = parser.parse_args()
    splits = load_splits("mnist", data_dir=options.data_dir).splits
    network = build_network("lenet", 10, SHAPE, 0)
    assert isinstance(network, nn.Sequential)
    load_weights(network, load_file(options.lenet)).eval()
    train, test = (seen(network, part, splits.scaling) for part in (splits.train, splits.test))
    removed = " | ".join(f"{count} removed" for count in COUNTS)
    print(f"| initial spread | saliency | unpruned | {removed} |\n{'|---' * (3 + len(COUNTS))}|")
    for spread in SPREADS:
        retrain(network, *train, spread)
        for saliency in ("heuristic", "exact"):
            merged = " | ".join(f"{after(network, count, saliency, test):.2f}" for count in COUNTS)
            whole = after(network, 0, saliency, test)
            print(f"| {spread:g} | {saliency} | {whole:.2f} | {merged} |", flush=True)


@torch.no_grad()
def seen(network: nn.Sequential, part: Split, scaling: Scaling) -> tuple[Tensor, Tensor]:
    """Return what the dense layers read, and the labels."""
    images = torch.tensor(part.images).split(1000)
    return torch.cat([network[:DENSE](scaling(i)) for i in images]), torch.tensor(part.labels)


def retrain(network: nn.Sequential, values: Tensor, labels: Tensor, spread: float) -> None:
    """Draw the dense layers anew with a standard deviation, and train them by SGD."""
    generator = torch.Generator().manual_seed(0)
    dense = network[DENSE:]
    for module in dense.children():
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(0, spread, generator=generator)
            module.bias.data.zero_()
    optimizer = torch.optim.SGD(dense.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(labels), generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(dense(values[index]), labels[index]).backward()
            optimizer.step()


@torch.inference_mode()
def after(
    network: nn.Sequential, count: int, saliency: Saliency, test: tuple[Tensor, Tensor]
) -> float:
    """Return test accuracy in percent with so many neurons merged away."""
    small = prune_data_free(network, SHAPE, count={"fc": count}, saliency=saliency).network
    assert isinstance(small, nn.Sequential)
    return 100 * float((small[DENSE:](test[0]).argmax(1) == test[1]).double().mean())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
