"""How networks and batches lie in memory, and how many samples pass at once.

Convolutions are fastest channels last, on processors and on tensor cores. On a processor,
passes without gradients are fastest while a layer's activations stay in its cache: conv-c
takes 467 images per second with channels last and 64 images at a time, and 249 with channels
first and 512 at a time (float32, one core).

A network may be written for channels first alone (``x.view(len(x), -1)`` after a convolution):
one that fails on a sample with channels last gets them first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.inference.eval_mode import eval_mode

_MANY, _FEW = 512, 64  # samples at a time; few where a processor runs convolutions


@dataclass(frozen=True)
class Layout:
    """What suits a network on a device.

    Attributes
    ----------
    channels_last
        Whether images go channels last.
    samples_at_once
        Samples of a pass without gradients.
    """

    channels_last: bool
    samples_at_once: int

    @classmethod
    def of(cls, network: nn.Module, sample: Tensor) -> Layout:
        """Return the layout that suits a network, and lay its weights out so, in place.

        Parameters
        ----------
        network
            On its device.
        sample
            (1, …) network input there, on which channels last are tried; zeros, where it is empty.

        >>> Layout.of(nn.Conv2d(3, 8, 3), torch.zeros(1, 3, 8, 8))
        Layout(channels_last=True, samples_at_once=64)
        >>> Layout.of(nn.Linear(3, 8), torch.zeros(1, 3))
        Layout(channels_last=False, samples_at_once=512)
        """
        convolutional = any(p.ndim == 4 for p in network.parameters())
        few = convolutional and sample.device.type == "cpu"
        samples_at_once = _FEW if few else _MANY
        if not convolutional:
            return cls(False, samples_at_once)
        sample = sample if len(sample) else sample.new_zeros(1, *sample.shape[1:])
        last = cls(True, samples_at_once)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if last._fails(network, sample):
            for tensor in (*network.parameters(), *network.buffers()):
                # Not `to`: with one input channel a weight is contiguous either way, and torch
                # goes by its strides.
                tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
            first = cls(False, samples_at_once)
            if not first._fails(network, sample):
                return first
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return last

    def _fails(self, network: nn.Module, sample: Tensor) -> bool:
        """Whether a network cannot take samples laid out so; its mode and buffers stay.

        What a convolution makes of them is laid out so, too: left to itself torch chooses by
        the sizes and the type of numbers, and chooses otherwise in training.
        """
        convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        hooks = [m.register_forward_hook(lambda _, __, out: self.batch(out)) for m in convolutions]
        try:
            with torch.no_grad(), eval_mode(network):
                network(self.batch(torch.cat([sample, sample])))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            return True
        finally:
            for hook in hooks:
                hook.remove()
        return False

    def batch(self, inputs: Tensor) -> Tensor:
        """Return (B, …) network input, laid out."""
        if inputs.ndim != 4:
            return inputs
        if self.channels_last:
            return inputs.contiguous(memory_format=torch.channels_last)
        # Images of one channel lie either way, and torch goes by their strides: new ones.
        return inputs.flatten().view(inputs.shape) if inputs.shape[1] == 1 else inputs.contiguous()

    def through(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """Return what the network makes of (N, …) inputs, as many at a time as suit it."""
        if len(inputs) <= self.samples_at_once:
            return network(self.batch(inputs))  # type: ignore[no-any-return]
        return torch.cat([network(self.batch(inputs[part])) for part in self.parts(len(inputs))])

    def parts(self, samples: int, size: int | None = None) -> Iterator[slice]:
        """Yield the slices of so many samples that pass one after the other, `size` each."""
        size = size or self.samples_at_once
        for start in range(0, samples, size):
            yield slice(start, start + size)
