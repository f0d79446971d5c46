"""Network → probabilities."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pruning.inference.layout import Layout
from pruning.samples.scaling import Scaling


def predict_probabilities(
    network: nn.Module,
    images: NDArray[np.uint8] | NDArray[np.float32],
    scaling: Scaling,
    *,
    device: str | torch.device = "cpu",
) -> NDArray[np.float32]:
    """Return (N, C) float32 class probabilities, in eval mode, without gradients.

    Parameters
    ----------
    network
        Maps scaled input (B, *input_shape) to logits (B, C).
    images
        (N, C, H, W) uint8 or (N, F) float32; moved to the device batch by batch.
    scaling
        Makes network input of them.
    device
        Where to run; the network is moved there.
    """
    network = network.to(device).eval()
    layout = Layout.of(network, scaling(torch.tensor(images[:1]).to(device)))
    parts = []
    with torch.inference_mode():
        for part in layout.parts(len(images)):
            inputs = layout.batch(scaling(torch.tensor(images[part]).to(device)))
            parts.append(network(inputs).float().softmax(-1).cpu())
    return torch.cat(parts).numpy()
