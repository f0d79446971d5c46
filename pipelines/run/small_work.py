"""Work so small that a processor has done it before a card has warmed up."""

from __future__ import annotations

from pipelines.run.config import BuildConfig
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network

MOST = 1e9
"""Multiplications of round 0, in a forward pass, up to which ``auto`` takes the processor.

Four networks of mlp-a on digits have fewer, five more: about two seconds of one core.
"""

LEAST_TOGETHER = 20_000
"""Parameters of networks that train together, below which a step costs its bookkeeping alone."""


def is_small(
    config: BuildConfig, num_classes: int, input_shape: tuple[int, ...], samples: int
) -> bool:
    """Whether a build is plain MLPs, few and small, on few samples.

    It looks at networks, samples and epochs alone, never at the machine; an engine that was
    asked for by name is another matter.

    >>> [is_small(BuildConfig.of(m=m, s=2), 10, (1, 8, 8), samples=1078) for m in (4, 5)]
    [True, False]
    """
    if config.engine != "auto":
        return False
    multiplications = 0.0
    for offset, arch in enumerate(config.archs):
        network = build_network(arch, num_classes, input_shape, config.seed + offset)
        if not stackable(network):
            return False
        recipe = config.dropnet.starting_recipe.resolved(
            kind="plain-mlp", shape=input_shape, samples=samples
        )
        members = len(range(offset, config.m, len(config.archs)))
        parameters = members * sum(tensor.numel() for tensor in network.parameters())
        passes = samples * (recipe.max_epochs or 0)
        multiplications += passes * max(parameters, LEAST_TOGETHER)
    return multiplications <= MOST
