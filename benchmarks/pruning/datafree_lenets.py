"""Train the LeNets that data-free pruning is measured on: 5 seeds, MNIST, Caffe's recipe.

    python benchmarks/pruning/datafree_lenets.py --out lenets
    python benchmarks/pruning/datafree_lenets.py --out lenets-glorot --spread 0

The paper does not say what its dense layers started from, and it matters more than anything
else: weights drawn small are forgotten, and neurons that learnt the same become the same;
weights drawn as large as Glorot's stay, and keep every neuron apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from pruning.core.seeds import torch_generator
from pruning.data.load import load_splits
from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
RECIPE = Recipe(
    optimizer="sgd", learning_rate=0.04, momentum=0.9, weight_decay=5e-4, batch_size=128,
    max_epochs=4, patience=4, keep="last",
)  # fmt: skip


def main() -> None:
    """Train and store each network as ``lenet-SEED.safetensors``; what exists is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("lenets"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--spread", type=float, default=0.0001,
        help="Standard deviation of the dense layers' initial weights; 0 leaves Glorot's.",
    )  # fmt: skip
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    splits = load_splits("mnist", data_dir=options.data_dir).splits
    data = DeviceData.of(splits, "cpu")
    for seed in range(options.seeds):
        path = options.out / f"lenet-{seed}.safetensors"
        if path.exists():
            continue
        network = build_network("lenet", 10, splits.input_shape, seed)
        draw_(network, options.spread)
        (result,) = train([network], [torch_generator(seed, "batches")], Training(data, RECIPE))
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
        print(f"seed {seed}: validation accuracy {result.val_accuracy:.4f}", flush=True)


def draw_(network: nn.Module, spread: float) -> None:
    """Bring convolutions to Caffe's variance, 1 / fan-in, and dense weights to `spread`."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(module.weight[0].numel() ** -0.5 / module.weight.data.std())
        elif isinstance(module, nn.Linear) and spread:
            module.weight.data.mul_(spread / module.weight.data.std())


if __name__ == "__main__":
    main()
