"""torchvision's classifiers, by name: ``torchvision:mobilenet_v3_small``."""

from __future__ import annotations

from typing import Any

from torch import nn

from pruning.core.errors import unknown_name
from pruning.core.torchvision_compat import import_torchvision

_AUXILIARY = {"googlenet", "inception_v3"}
_NORMALISING_AGAIN = {"googlenet", "inception_v3"}
"""Whose published weights expect 0.5 and 0.5: torchvision's own bring ImageNet's to these first."""


PREFIX = "torchvision:"


def classifiers() -> tuple[str, ...]:
    """Return the architectures that torchvision has, sorted.

    >>> "torchvision:resnet18" in classifiers()
    True
    """
    models = import_torchvision().models
    return tuple(f"{PREFIX}{name}" for name in models.list_models(module=models))


def published_weights(arch: str) -> tuple[str, ...]:
    """Return the names of the weights that torchvision publishes for one of its architectures.

    >>> published_weights("torchvision:resnet18"), published_weights("mlp-a")
    (('IMAGENET1K_V1',), ())
    """
    if not arch.startswith(PREFIX):
        return ()
    choices = import_torchvision().models.get_model_weights(arch.removeprefix(PREFIX))
    return tuple(choice.name for choice in choices)


def published_choice(name: str) -> Any:
    """Return torchvision's entry for weights, by the classifier's name or ``NAME:WEIGHTS``.

    Nothing is downloaded.

    Raises
    ------
    RequestError
        If torchvision has no such classifier, or no such weights of it.
    """
    models = import_torchvision().models
    name, _, choice = name.partition(":")
    known = models.list_models(module=models)
    if name not in known:
        raise unknown_name("torchvision classifier", name, known)
    choices = models.get_model_weights(name)
    if choice and choice not in choices.__members__:
        raise unknown_name(f"weights of torchvision:{name}", choice, choices.__members__)
    return choices[choice or "DEFAULT"]


def published_normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the means and deviations, by channel, that published weights expect.

    Of images in 0..1 whose channels are red, green and blue. Raises as `published_choice`.

    >>> published_normalisation("resnet18")
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    """
    choice = published_choice(name)
    if name.partition(":")[0] in _NORMALISING_AGAIN:
        return (0.5,) * 3, (0.5,) * 3
    expected = choice.transforms()
    return tuple(expected.mean), tuple(expected.std)


def torchvision_classifier(name: str, num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    """Return a freshly initialised classifier, without auxiliary heads.

    Where the samples have other than 3 channels, the first convolution is drawn anew with
    theirs.

    Raises
    ------
    RequestError
        If torchvision has no classifier of that name.
    """
    models = import_torchvision().models
    known = models.list_models(module=models)
    if name not in known:
        raise unknown_name("torchvision classifier", name, known)
    options = {"aux_logits": False, "init_weights": True} if name in _AUXILIARY else {}
    network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **options)
    if len(input_shape) == 3 and input_shape[0] != 3:
        _read_channels(network, input_shape[0])
    return network


def _read_channels(network: nn.Module, channels: int) -> None:
    name, old = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    parent, _, child = name.rpartition(".")
    new = nn.Conv2d(
        channels, old.out_channels, old.kernel_size, old.stride, old.padding,  # type: ignore[arg-type]
        old.dilation, old.groups, bias=old.bias is not None, padding_mode=old.padding_mode,  # type: ignore[arg-type]
    )  # fmt: skip
    setattr(network.get_submodule(parent), child, new)
