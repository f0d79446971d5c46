"""Every network, random units kept: is the small network the masked one, and what is saved?

    python benchmarks/pruning/surgery.py > results/benchmarks/pruning-surgery.md

Double precision, random weights (every number drawn anew, norms included), about 60 % of
each group's units kept, dropout and stochastic depth at zero. The masked network is the
full one whose layers have zero weights where they read a dropped unit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from pruning.inference.cost import count_cost
from pruning.networks.architecture import NETWORKS, build_network
from pruning.networks.weights import load_weights
from pruning.surgery import (
    UnitGroup,
    analyse,
    module_sizes,
    resize,
    shrink,
)

CLASSIFIERS = (
    "resnet18", "vgg16_bn", "densenet121", "mobilenet_v3_small", "squeezenet1_1", "googlenet",
    "efficientnet_b0", "regnet_y_400mf", "inception_v3", "convnext_tiny", "mnasnet1_0",
    "shufflenet_v2_x1_0",
)  # fmt: skip
SIDES = {"torchvision": 64, "torchvision:inception_v3": 96}
COLUMNS = (
    "network", "input", "groups", "units", "refused", "difference, eval", "difference, train",
    "FLOPs", "bytes", "saved, loaded, equal",
)  # fmt: skip
HEAD = """# Surgery: the small network against the masked one

`python benchmarks/pruning/surgery.py`. Random weights in double precision, norms included;
about 60 % of each group's units kept at random; dropout and stochastic depth at zero. The
masked network is the full one whose layers have zero weights where they read a dropped unit.
“Difference” is the largest of the logits, relative to the largest logit, on two random
samples; in training mode with batch statistics. FLOPs and bytes in float32, before → after.
"""


def main() -> None:
    """Print a Markdown page, a row a network."""
    print(HEAD)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for arch in (*NETWORKS, *(f"torchvision:{name}" for name in CLASSIFIERS)):
        side = SIDES.get(arch, SIDES.get(arch.split(":")[0], 32))
        print(f"| {' | '.join(measured(arch, (3, side, side)))} |", flush=True)


def measured(arch: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Prune one network at random and compare what is left with the masked network."""
    network = _livened(build_network(arch, 10, shape, 0)).eval()
    analysis = analyse(network, shape)
    masks = {group.name: _random_mask(group.size, i) for i, group in enumerate(analysis.groups)}
    small = shrink(network, analysis.groups, masks)
    masked = _masked(network, analysis.groups, masks)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    with torch.inference_mode():
        expected, given = masked(sample), small(sample)
        wanted, trained = masked.train()(sample), copy.deepcopy(small).train()(sample)
        again = resize(build_network(arch, 10, shape, 0).double(), module_sizes(small)).eval()
        tensors = {key: value.contiguous() for key, value in small.state_dict().items()}
        equal = torch.equal(load_weights(again, load(save(tensors)))(sample), given)
    refusing = sorted({refusal.operation for refusal in analysis.refusals})
    before, after = (count_cost(kept.float(), shape) for kept in (network, small))
    return (
        arch, "×".join(map(str, shape)), str(len(analysis.groups)),
        str(sum(group.size for group in analysis.groups)),
        f"{len(analysis.refusals)} layers, {', '.join(refusing)}" if refusing else "none",
        f"{_difference(given, expected):.1e}", f"{_difference(trained, wanted):.1e}",
        _change(before.flops, after.flops), _change(before.bytes, after.bytes),
        "yes" if equal else "NO",
    )  # fmt: skip


def _change(before: float, after: float) -> str:
    return f"{before / 1e6:.2f} M → {after / 1e6:.2f} M"


def _livened(network: nn.Module) -> nn.Module:
    """Double precision; every number drawn anew; nothing dropped at random."""
    generator = torch.Generator().manual_seed(0)
    for module in network.double().modules():
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is None or not tensor.is_floating_point():
                continue
            if tensor.ndim == 1:
                tensor.data.uniform_(0.5, 1.5, generator=generator)
            else:
                tensor.data.normal_(0, tensor[0].numel() ** -0.5, generator=generator)
        if isinstance(module, nn.Dropout) or type(module).__name__ == "StochasticDepth":
            module.p = 0.0  # type: ignore[assignment]
    return network


def _random_mask(size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(size, generator=generator) < 0.6
    mask[int(torch.randint(size, (), generator=generator))] = True
    return mask


def _masked(network: nn.Module, groups: Sequence[UnitGroup], masks: dict[str, Tensor]) -> nn.Module:
    full = copy.deepcopy(network)
    for group in groups:
        for part in group.slices:
            if part.side == "in":
                gone = ~part.kept(masks[group.name])
                full.get_submodule(part.module).get_parameter("weight").data[:, gone] = 0
    return full


def _difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


if __name__ == "__main__":
    main()
