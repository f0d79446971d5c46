"""torchvision's classifiers, by name: ``torchvision:mobilenet_v3_small``."""

from __future__ import annotations

from torch import nn

from pruning.core.errors import unknown_name
from pruning.core.torchvision_compat import import_torchvision

_AUXILIARY = {"googlenet", "inception_v3"}


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
