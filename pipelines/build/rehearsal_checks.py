"""What a rehearsal looks at: is a network its weights, and are its answers logits of one sample?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ensemble.loader import load_folder
from ensemble.member import are_probabilities
from ensemble.model import Ensemble
from ensemble.reading.arrays import Samples
from ensemble.reading.inputs import AsStored
from pipelines.build.outside_state import outside_state
from pruning.core.errors import RequestError
from pruning.core.seeds import seeded, torch_generator
from pruning.inference.eval_mode import eval_mode
from pruning.networks.architecture import Architecture, architecture_name, build_network
from pruning.networks.weights import load_weights, tensors_of


def check_trainable(network: nn.Module, name: str) -> None:
    """Refuse a network without a weight that training may change."""
    if not any(p.requires_grad for p in network.parameters()):
        raise RequestError(
            f"all weights of {name!r} are frozen (requires_grad=False): there is nothing to "
            "train; leave some of them free"
        )


@torch.no_grad()
def check_drawn(arch: Architecture, classes: int, shape: tuple[int, ...], inputs: Tensor) -> None:
    """Refuse what the seed does not decide, and what the weights do not hold."""
    one, again, other = (build_network(arch, classes, shape, seed).eval() for seed in (0, 0, 1))
    if not _same(one, one, inputs):
        return  # it answers differently each time: nothing can be told by its answers
    if not _same(one, again, inputs):
        raise RequestError(
            f"architecture {architecture_name(arch)!r} is another network each time it is made "
            "from one seed; draw its numbers from torch's, NumPy's or Python's global generator, "
            "without seeding one anew"
        )
    load_weights(other, tensors_of(one))
    if not _same(one, other, inputs):
        found = ", ".join(map(repr, outside_state(one, other))) or "something"
        raise RequestError(
            f"architecture {architecture_name(arch)!r} computes with {found}, which is not in "
            "its state dict, so that no copy would answer alike; make it a parameter, a buffer "
            "(register_buffer) or a module (nn.ModuleList) of its own"
        )


@torch.no_grad()
def check_answers(network: nn.Module, inputs: Tensor) -> None:
    """Refuse answers that are probabilities, or that depend on the other samples of a batch."""
    with eval_mode(network):
        together, again = network(inputs), network(inputs)
        alone = torch.cat([network(sample[None]) for sample in inputs])
    if are_probabilities(together.float()):
        raise RequestError("it answers probabilities; expected logits: leave its last softmax out")
    if _close(together, again) and not _close(together, alone):
        raise RequestError(
            "it answers a sample otherwise alone than among others, in eval mode; a batch norm "
            "needs its running statistics (track_running_stats=True)"
        )


def check_copy(
    model: Ensemble,
    factory: Callable[..., nn.Module],
    samples: Samples,
    folder: Path,
) -> None:
    """Save and load, as another process would: it has drawn other numbers before."""
    model.save(folder)
    arch = model.description.members[0].arch
    try:
        with seeded(torch_generator(1, "initial")):
            copy = load_folder(folder, factories={arch: factory})
    except RequestError as error:
        raise RequestError(str(error).replace(str(folder), "a saved copy")) from error
    for part in (AsStored(samples), AsStored(samples[:1])):
        expected, found = model.predict_proba(part), copy.predict_proba(part)
        if not np.allclose(expected, found, atol=1e-3):
            raise RequestError("a saved copy answers otherwise")


def _same(one: nn.Module, other: nn.Module, inputs: Tensor) -> bool:
    return _close(one(inputs), other(inputs))


def _close(a: Tensor, b: Tensor) -> bool:
    """Whether logits agree but for the order in which a processor adds up."""
    if a.shape != b.shape:
        return False
    most = float(b.abs().nan_to_num().max())
    return torch.allclose(a, b, rtol=1e-3, atol=1e-4 * max(most, 1.0), equal_nan=True)
