"""The rehearsal: a user's network goes the whole way once, on a few samples, before training.

Drawn, trained for a few steps, scored, cut, asked, saved, loaded, exported. What cannot be taken
is refused here, by name, and not after hours of training. This package's own networks and
torchvision's need none.
"""

from __future__ import annotations

import dataclasses
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from ensemble.probe import noise
from ensemble.reading.arrays import Samples
from pipelines.build.rehearsal_checks import (
    check_answers,
    check_copy,
    check_drawn,
    check_trainable,
)
from pipelines.run.config import BuildConfig
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.data.splits import Split, Splits
from pruning.datafree.members import datafree
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.target import Target
from pruning.networks.architecture import (
    Architecture,
    architecture_name,
    build_network,
    built_in,
    factory_of,
    given_parts,
)
from pruning.samples.scaling import Scaling
from pruning.scores.metric_names import own_metric

FEW = 3
"""Training samples of a rehearsal: a batch, and one sample that is left over."""

BATCH = 2
EPOCHS = 2

EXTRA = ("onnx", "onnxscript", "onnxruntime")
"""What the extra ``onnx`` installs."""


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found.

    Attributes
    ----------
    arch
        The architecture's name.
    told
        What was brought into another form, a line each.
    not_exported
        Why it was not exported to ONNX; empty where it was.
    """

    arch: str
    told: tuple[str, ...]
    not_exported: str

    @property
    def lines(self) -> tuple[str, ...]:
        """What the user should know, a line each."""
        lines = [f"{self.arch}: {line}" for line in self.told]
        if self.not_exported:
            lines.append(f"{self.arch}: {self.not_exported}")
        return tuple(lines)


def rehearse_all(
    resolved: ResolvedConfig, splits: Splits, device: str = "cpu"
) -> Iterator[Rehearsal]:
    """Rehearse each architecture of a build that, or whose metric, is a user's own.

    On a device by torch's name.

    Raises
    ------
    RequestError
        Where one cannot be taken; its line names the architecture and what stands in the way.
    """
    metric = resolved.config.dropnet.metric
    for arch in dict.fromkeys(resolved.config.archs):
        if isinstance(arch, str) and built_in(arch) and not own_metric(metric):
            continue
        engine = next(group.engine for group in resolved.groups if group.runs.arch == arch)
        yield rehearse(arch, splits, resolved.config, engine=engine, device=device)


def rehearse(
    arch: Architecture,
    splits: Splits,
    config: BuildConfig | None = None,
    *,
    engine: str = "auto",
    device: str = "cpu",
) -> Rehearsal:
    """Take a network the whole way on a few samples.

    Parameters
    ----------
    arch
        What is rehearsed.
    splits
        Of which the first few samples are read; `noisy_splits` makes some where there are none.
    config
        How it will be trained and pruned; None takes the defaults.
    engine, device
        What it will be trained by, and where.

    Raises
    ------
    RequestError
        Where it cannot be taken.

    >>> from torch import nn
    >>> make = lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> rehearse(make, noisy_splits((5,), 3)).told
    ()
    """
    asked, few = config or BuildConfig(), _few(splits)
    name, classes, shape = architecture_name(arch), len(splits.classes), splits.input_shape
    inputs = splits.scaling(torch.tensor(few.train.images))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the build itself will warn
        with _step(name, "drawn"):
            told = given_parts(arch, classes, shape)
            check_trainable(build_network(arch, classes, shape, 0), name)
            if not isinstance(arch, nn.Module):
                check_drawn(arch, classes, shape, inputs[:2])
        with _step(name, "trained and pruned"):
            network = _trained(arch, few, asked, engine, device)
        with _step(name, "asked"):
            check_answers(network, inputs)
        with _step(name, "saved and loaded"), tempfile.TemporaryDirectory() as folder:
            member = EnsembleMember.of(network, shape, "rehearsal", name)
            model = Ensemble([member], splits.classes, shape, scaling=splits.scaling)
            check_copy(model, factory_of(arch), few.train.images, Path(folder) / "team")
        with tempfile.TemporaryDirectory() as folder:
            not_exported = _exported(model, few.train.images, Path(folder) / "team.onnx")
    return Rehearsal(name, told, not_exported)


def noisy_splits(shape: tuple[int, ...], num_classes: int) -> Splits:
    """Return a few samples of noise, where there are no data yet."""
    scaling = Scaling() if len(shape) == 3 else Scaling((0.0,), (1.0,))
    samples, labels = noise(shape, scaling, FEW), np.arange(FEW) % num_classes
    part = Split(samples, labels.astype(np.int64))
    return Splits(part, part, part, part, np.arange(num_classes), shape, scaling)


def _few(splits: Splits) -> Splits:
    """Return the first samples of each part, copied."""
    train, val = (
        Split(part.images[:FEW].copy(), part.labels[:FEW].copy())
        for part in (splits.train, splits.val)
    )
    return dataclasses.replace(splits, train=train, val=val, select=val, test=val)


@contextmanager
def _step(name: str, doing: str) -> Iterator[None]:
    """Make of whatever fails here one line that names the architecture."""
    try:
        yield
    except RequestError as error:
        own = str(error)
        raise RequestError(own if name in own else f"architecture {name!r}: {own}") from error
    except Exception as error:  # whatever a user's network raises
        reason = " ".join(str(error).split())
        raise RequestError(
            f"architecture {name!r} cannot be {doing}: {type(error).__name__}: {reason}"[:500]
        ) from error


def _trained(
    arch: Architecture, few: Splits, asked: BuildConfig, engine: str, device: str
) -> nn.Module:
    """Return the network after two rounds of a few steps each, pruned in between."""
    merged = asked.pruner == "datafree"
    settings = _shortened(asked.dropnet, rounds=0 if merged else 1)
    runs = Runs.of(arch, seed=asked.seed)
    rounds = dropnet(runs, few, settings, device=device, engine=engine)
    for members in datafree(rounds, few, asked.merging) if merged else rounds:
        network = members[0].network
    return network.eval()


def _shortened(dropnet: DropNet, rounds: int) -> DropNet:
    """Return the settings with as little to do as they can have."""
    rewinding, recipe = dropnet.rewinding, dropnet.recipe
    late = None if rewinding.late_epochs is None else 1
    head = min(recipe.head_epochs, EPOCHS - 1)
    return dataclasses.replace(
        dropnet,
        rounds=rounds,
        kappa=0.0,
        keep=0.0,
        fraction=max(dropnet.fraction, 0.5),
        target=Target(),
        rewinding=dataclasses.replace(rewinding, late_epochs=late),
        recipe=dataclasses.replace(
            recipe, max_epochs=EPOCHS, warmup=0, head_epochs=head, attempts=1,
            batch_size=min(recipe.batch_size or BATCH, BATCH),
        ),
    )  # fmt: skip


def _exported(model: Ensemble, samples: Samples, path: Path) -> str:
    """Return why it cannot be exported to ONNX, or was not tried; empty where all is well."""
    if missing := [name for name in EXTRA if find_spec(name) is None]:
        return (
            f"whether it can be exported to ONNX was not tried: {missing[0]} is not installed "
            "(pip install 'dropnet-ensemble[onnx]')"
        )
    try:
        model.export(path, probe=samples)
    except RequestError as error:
        reason = str(error).removeprefix("the ensemble cannot be exported to ONNX: ")
        return f"cannot be exported to ONNX, all else works: {reason.replace(str(path), 'a file')}"
    return ""
