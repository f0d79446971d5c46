"""Network → probabilities."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pruning.scaling import Scaling


def predict_probabilities(
    network: nn.Module,
    images: NDArray[np.uint8] | NDArray[np.float32],
    scaling: Scaling,
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 512,
) -> NDArray[np.float32]:
    """Return (N, C) float32 class probabilities, in eval mode, without gradients.

    Parameters
    ----------
    network
        Maps scaled input (B, *input_shape) to logits (B, C).
    images
        (N, C, H, W) uint8 or (N, F) float32; moved to the device a batch at a time.
    scaling
        Makes network input of them.
    device
        Where to run; the network is moved there.
    batch_size
        Samples a forward pass.
    """
    network = network.to(device).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = torch.tensor(images[start : start + batch_size]).to(device)
            parts.append(network(scaling(batch)).float().softmax(-1).cpu())
    return torch.cat(parts).numpy()
