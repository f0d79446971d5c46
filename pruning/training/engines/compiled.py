"""Networks side by side on CUDA, their step compiled: what is computed element by element is fused.

All members run one program, compiled once a round for the widths of that round, with weights
of their own. Compiling takes seconds, which a short training does not pay back.
"""

from __future__ import annotations

import copy
import importlib.util
import shutil
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pruning.inference.cost import count_cost
from pruning.inference.stackable import hooked
from pruning.surgery.layer_kinds import BatchNorm
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.engines.loop_bf16 import convolutional
from pruning.training.engines.precision import repeatable
from pruning.training.engines.recorded import Program, loss_of_held
from pruning.training.engines.streams import SideBySide
from pruning.training.engines.trainee import Trainee
from pruning.training.lesson import Lesson
from pruning.training.recipe import Recipe

PAYS_FROM = 8_000_000
"""Training images of a round, all members together, from which compiling pays for itself."""
WORTH_FROM = 1e15
"""Multiplications and additions of a round from which it is compiled: narrow networks are not.

They are some hundred kernels however they are written, and each of these takes little time.
"""


@ENGINES.register("compiled")
class Compiled(SideBySide):
    """As ``streams``, forward and backward passes compiled."""

    summary = "side by side, each network's step compiled and captured, products in bfloat16"
    precision = "bf16"

    fills_up = True
    alike = True

    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: DeviceData,
        recipe: Recipe,
        lesson: Lesson | None = None,
    ) -> None:
        super().__init__(networks, data, recipe, lesson)
        images = len(networks) * (recipe.max_epochs or 0) * len(data.train_labels)
        worth = self._flops(self.members[0]) * images >= WORTH_FROM
        # Hooks and teachers are each network's own.
        if not worth or lesson or any(map(hooked, networks)):
            return
        program = compiled_loss(self.members[0], self.recorded[0].full)
        with repeatable(self.precision):  # as in an epoch: else torch compiles for each anew
            ready = self.recorded[0].runs(program)
        for recorded in self.recorded if ready else ():
            recorded.program = program

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return what is missing of a CUDA device, or of a compiler."""
        return super().obstacle(network, device) or (
            None if can_compile() else "needs Triton and a C compiler, which are not here"
        )

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 5 where a round's images pay the compiling back.

        Not with batch norms: resnet20 gained 2 % for 24 seconds of compiling a round.
        """
        normed = any(isinstance(module, BatchNorm) for module in network.modules())
        pays = convolutional(network) and not normed and images >= PAYS_FROM
        return 5 if pays else None

    @staticmethod
    def _flops(member: Trainee) -> float:
        """Return the FLOPs of training on one sample: forward once, backward twice."""
        shape = tuple(member.data.train_images.shape[1:])
        return 3.0 * count_cost(copy.deepcopy(member.network).cpu(), shape).flops


def can_compile() -> bool:
    """Whether what `torch.compile` needs for CUDA is there: Triton, and a C compiler."""
    compilers = ("cc", "gcc", "clang")
    return importlib.util.find_spec("triton") is not None and any(map(shutil.which, compilers))


def compiled_loss(trainee: Trainee, batch: int) -> Program:
    """Return the compiled mean loss of networks like this one, their tensors an argument."""
    network = copy.deepcopy(trainee.network).train()  # only its form is used

    def loss(tensors: dict[str, Tensor], held: Tensor, labels: Tensor, place: Tensor) -> Tensor:
        def forward(inputs: Tensor) -> Tensor:
            logits: Tensor = functional_call(network, tensors, (inputs,))
            return logits

        return loss_of_held(trainee, forward, held, labels, place, batch)

    torch.compiler.reset()  # programs of earlier widths, of which torch keeps only a few
    program: Program = torch.compile(loss, dynamic=False)
    return program
