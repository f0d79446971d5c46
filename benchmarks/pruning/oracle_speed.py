"""The oracle's choice from shared activations against one full pass a candidate.

    python benchmarks/pruning/oracle_speed.py > results/benchmarks/pruning-oracle.md

Processor time of one choice among all units, the least of three, on one thread.
"""

from __future__ import annotations

import copy
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from pruning.data.load import load_splits
from pruning.dropnet.oracle import lowest, removal_losses
from pruning.networks.architecture import build_network
from pruning.samples.stored import StoredSamples
from pruning.surgery import UnitGroup, find_groups, full_masks, masked

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SIZES = {"mlp-a:20-20": 5000, "conv-b:20-20": 500}


@torch.inference_mode()
def naive(
    network: nn.Module, groups: tuple[UnitGroup, ...], samples: StoredSamples
) -> dict[str, torch.Tensor]:
    """Mask each unit in turn and pass all samples through the network."""
    found, labels = {}, samples.labels
    assert labels is not None
    parts = [slice(start, start + 512) for start in range(0, len(samples), 512)]
    for group in groups:
        losses = []
        for unit in range(group.size):
            masks = full_masks(groups)
            masks[group.name][unit] = False
            with masked(network, groups, masks):
                total = sum(
                    F.cross_entropy(
                        network(samples.inputs(part).double()), labels[part], reduction="sum"
                    ).item()
                    for part in parts
                )
            losses.append(total / len(labels))
        found[group.name] = torch.tensor(losses, dtype=torch.float64)
    return found


def main() -> None:
    """Print a Markdown page: times, their ratio, whether both choose the same unit."""
    torch.set_num_threads(1)
    print("# The oracle's choice: shared activations against a full pass a candidate\n")
    print("`python benchmarks/pruning/oracle_speed.py`, MNIST, double precision. Processor time")
    print("of one choice among all units, the least of three, one thread, both in one run.\n")
    print("| network | samples | candidates | naive, s | shared, s | ratio | same choice |")
    print("|---|---|---|---|---|---|---|")
    splits = load_splits("mnist", data_dir=Path(sys.argv[1]) if sys.argv[1:] else DATA).splits
    for arch, count in SIZES.items():
        samples = StoredSamples(
            torch.tensor(splits.train.images[:count]), splits.scaling,
            torch.tensor(splits.train.labels[:count]),
        )  # fmt: skip
        network = build_network(arch, 10, splits.input_shape, 0)
        groups = find_groups(network, splits.input_shape)
        double = copy.deepcopy(network).double().eval()
        times, choices = {"shared": [], "naive": []}, set()
        for _ in range(3):
            for name, losses in (("shared", removal_losses), ("naive", naive)):
                start = time.process_time()
                choices.add(lowest(losses(double, groups, samples)))
                times[name].append(time.process_time() - start)
        slow, fast = min(times["naive"]), min(times["shared"])
        units = sum(group.size for group in groups)
        print(
            f"| {arch} | {count} | {units} | {slow:.3f} | {fast:.3f} | {slow / fast:.1f} "
            f"| {'yes' if len(choices) == 1 else 'NO'} |"
        )


if __name__ == "__main__":
    main()
