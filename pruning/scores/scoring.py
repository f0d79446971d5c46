"""How important each unit of a network is: the scores, for a notebook."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.own import OwnScore
from pruning.scores.score import SCORES, Score
from pruning.scores.sweep import check_metric, importances, parse_metric
from pruning.surgery import find_groups, full_masks
from pruning.surgery.groups import PrunedNetwork

AS_IT_IS = Scaling((0.0,), (1.0,))
"""Values are network input already."""


def importance(
    network: nn.Module,
    X: ArrayLike | Tensor,
    metric: str | Score = "minimum",
    y: ArrayLike | Tensor | None = None,
    *,
    scaling: Scaling | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Return how important each prunable unit of a network is; the lowest are dropped first.

    Parameters
    ----------
    network
        A trained network on any device, of any floating-point type; left unchanged. Its
        scores are those of eval mode, in float32.
    X
        N samples, an array or a tensor of any type on any device; some metrics look at weights
        alone and need only their shape. uint8 images (N, C, H, W) or (N, H, W) are brought to
        0..1; all other numbers are network input as they are.
    metric
        A score's name (``"minimum"``, ``"taylor"``, the user's ``"module:Score"``) or a score
        itself. ``"minimum_layer"`` gives what ``"minimum"`` gives: they differ in the ranking.
    y
        (N,) class indices from 0, for a score of the loss's gradient.
    scaling
        Makes network input of X in place of that: for a member of `dropnet`, the ``scaling``
        of its splits.
    generator
        For a score that draws; None draws the same numbers each time.

    Returns
    -------
    dict
        Group → (units,) float64 on the CPU. A group is named after the first layer that
        makes its units, as in `find_groups`.

    Raises
    ------
    RequestError
        If the metric is unknown or does not fit, X or y cannot be used, or the network cannot be
        pruned.

    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> _ = network[0].weight.data.copy_(torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, -1.0]]))
    >>> _ = network[0].bias.data.zero_()
    >>> importance(network, [[1, 1], [3, 1]])
    {'0': tensor([2., 3., 0.], dtype=torch.float64)}
    """
    if not isinstance(network, nn.Module):
        raise RequestError(
            f"network is of type {type(network).__name__}, expected a torch.nn.Module; "
            "build_network makes one of an architecture's name"
        )
    score = _guarded(metric) if isinstance(metric, Score) else parse_metric(metric)[0]
    groups = find_groups(network, tuple(np.shape(X)[1:]))
    if isinstance(metric, str):
        check_metric(metric, network, groups)
    copied = copy.deepcopy(network).float().eval()
    device = next((p.device for p in copied.parameters()), torch.device("cpu"))
    images = _tensor("X", X).to(device)
    if scaling is None:
        stored = images.dtype == torch.uint8 and images.ndim in (3, 4)
        scaling = Scaling() if stored else AS_IT_IS
    if scaling == AS_IT_IS:
        images = images.float()
    samples = StoredSamples(images, scaling, _labels(copied, images, scaling, y, score))
    return importances(
        PrunedNetwork(copied, groups, full_masks(groups)),
        score,
        samples,
        generator=generator or torch.Generator().manual_seed(0),
    )


def _guarded(score: Score) -> Score:
    """Return a score that is handed over, checked where it is not of this package."""
    return (
        score if score in map(SCORES.__getitem__, SCORES) else OwnScore(score, type(score).__name__)
    )


def _tensor(name: str, values: ArrayLike | Tensor) -> Tensor:
    if not isinstance(values, Tensor):
        array = np.asarray(values)
        if array.dtype.kind not in "buif" or 0 in array.shape:
            raise RequestError(
                f"{name} has type {array.dtype} and shape {array.shape}; allowed are one or more "
                "numbers"
            )
        values = torch.from_numpy(np.ascontiguousarray(array))
    found = values.detach()
    if found.numel() == 0 or (found.is_floating_point() and not bool(found.isfinite().all())):
        raise RequestError(f"{name} is empty or holds NaN or infinity; allowed finite numbers")
    return found


def _labels(
    network: nn.Module,
    images: Tensor,
    scaling: Scaling,
    y: ArrayLike | Tensor | None,
    score: Score,
) -> Tensor | None:
    """Return class indices for a score of the gradient; None for any other."""
    if not score.needs_gradient:
        return None
    if y is None:
        raise RequestError(
            f"{type(score).__name__} looks at the loss's gradient: give the class indices, y"
        )
    labels = _tensor("y", y).to(images.device)
    if labels.shape != (len(images),) or labels.is_floating_point():
        raise RequestError(
            f"y has shape {tuple(labels.shape)} and type {labels.dtype}; allowed ({len(images)},) "
            "integers, one class index for each sample"
        )
    with torch.inference_mode():
        classes = network(scaling(images[:1])).shape[-1]
    if not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise RequestError(
            f"y holds classes {int(labels.min())} to {int(labels.max())}; the network has outputs "
            f"for 0 to {classes - 1}"
        )
    return labels.long()
