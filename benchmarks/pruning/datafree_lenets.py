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

from pipelines.reproduction.datafree_curve import CAFFE, SPREAD, draw_as_caffe
from pruning.core.seeds import torch_generator
from pruning.data.load import load_splits
from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.training_loop import Training, train

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def main() -> None:
    """Train and store each network as ``lenet-SEED.safetensors``; what exists is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("lenets"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--spread", type=float, default=SPREAD,
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
        draw_as_caffe(network, options.spread)
        (result,) = train([network], [torch_generator(seed, "batches")], Training(data, CAFFE))
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
        print(f"seed {seed}: validation accuracy {result.val_accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
