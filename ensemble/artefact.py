"""Save and load: ``ensemble.json`` and a safetensors file a member.

Nothing of a loaded folder is run: networks come from the registry of architectures, or
from a factory the caller hands over; the file gives names, sizes and numbers, all checked.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from ensemble.description import LARGEST_SIDE, MOST_MEMBERS, Description, LayerWidth, MemberInfo
from ensemble.model import Ensemble, EnsembleMember
from ensemble.storage.fields import Fields
from ensemble.storage.folder import ROOT
from ensemble.storage.sealed import (
    folder_written_whole,
    seal,
    sha256_of,
    unseal,
    write_bytes_atomic,
    write_json_atomic,
)
from pruning.core.errors import ForeignCodeError, RequestError
from pruning.networks.architecture import built_in, resolve_factory
from pruning.surgery import module_sizes, resize

FORMAT = "dropnet-ensemble"
FORMAT_VERSION = 1
LARGEST_ROOT = 256 * 2**20
MOST_PASSED = 2**26
"""Numbers that a layer may put out when a loaded network is first tried."""

Factories = Mapping[str, Callable[..., nn.Module]]
Sizes = dict[str, dict[str, int]]


class _StoredMember(NamedTuple):
    """Where a member's weights are and how large its modules."""

    file: str
    checksum: str
    sizes: Sizes


def save(model: Ensemble, folder: Path) -> None:
    """Write an ensemble to `folder`, whole or not at all; the same ensemble, the same bytes.

    An ensemble that is already there is replaced; anything else is refused.
    """
    if folder.exists() and not _may_replace(folder):
        raise RequestError(
            f"{folder} exists and holds no {ROOT}; choose a new folder for the ensemble"
        )
    about = model.description.without_widths.to_json()
    content = about | {"format": FORMAT, "format_version": FORMAT_VERSION}
    stored = []
    with folder_written_whole(folder) as fresh:
        for i, member in enumerate(model.members):
            data = save_tensors(_plain_tensors(member.network))
            file = _file_name(i)
            write_bytes_atomic(fresh / file, data)
            stored.append(
                {"file": file, "sha256": sha256_of(data), "sizes": module_sizes(member.network)}
            )
        write_json_atomic(fresh / ROOT, seal(content | {"files": stored}))


def describe_folder(folder: Path) -> Description:
    """Return what an ensemble's folder says of itself, its networks left alone."""
    source = str(folder / ROOT)
    content = unseal(_read(folder / ROOT, LARGEST_ROOT), source)
    _check_format(Fields(source, content))
    return Description.from_json(content, source)


def check_folder(folder: Path) -> None:
    """Raise `RequestError` if a file of an ensemble is missing or not what was saved."""
    fields = Fields(str(folder / ROOT), unseal(_read(folder / ROOT, LARGEST_ROOT), str(folder)))
    stored = tuple(_stored_members(fields))
    _check_files(folder, stored)
    for entry in stored:
        _checked(folder, entry)


def load_folder(
    folder: Path, *, factories: Factories | None = None, device: str = "cpu"
) -> Ensemble:
    """Return the ensemble that `save` wrote to `folder`; see `ensemble.load`."""
    source = str(folder / ROOT)
    content = unseal(_read(folder / ROOT, LARGEST_ROOT), source)
    fields = Fields(source, content)
    _check_format(fields)
    about = Description.from_json(content, source)
    stored = tuple(_stored_members(fields))
    if len(stored) != len(about.members):
        raise RequestError(f"{source}: {len(stored)} files for {len(about.members)} members")
    _check_files(folder, stored)
    members = [
        _member(folder, info, entry, about, factories or {})
        for info, entry in zip(about.members, stored, strict=True)
    ]
    return Ensemble(
        members, about.classes, about.input_shape, about.scaling, voting=about.voting,
        weights=about.weights, provenance=about.provenance, temperature=about.temperature,
        cascade=about.cascade, device=device,
    )  # fmt: skip


def _may_replace(folder: Path) -> bool:
    return folder.is_dir() and ((folder / ROOT).is_file() or not any(folder.iterdir()))


def _plain_tensors(network: nn.Module) -> dict[str, Tensor]:
    state = network.state_dict()
    return {key: value.detach().cpu().contiguous().clone() for key, value in state.items()}


def _file_name(index: int) -> str:
    return f"member-{index}.safetensors"


def _read(path: Path, most: int) -> bytes:
    try:
        if (size := path.stat().st_size) > most:
            raise RequestError(f"{path} has {size} bytes; allowed are {most}")
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from error


def _check_format(fields: Fields) -> None:
    if fields.text("format") != FORMAT:
        raise fields.error("format", repr(FORMAT))
    version = fields.whole("format_version", 1, 2**31)
    if version > FORMAT_VERSION:
        raise RequestError(
            f"{fields.source} has format version {version}; this dropnet-ensemble reads "
            f"up to {FORMAT_VERSION}: install a newer one"
        )


def _stored_members(fields: Fields) -> Iterator[_StoredMember]:
    for i, entry in enumerate(fields.each("files", MOST_MEMBERS)):
        if entry.text("file") != _file_name(i):
            raise entry.error("file", repr(_file_name(i)))
        sizes = entry.inner("sizes")
        yield _StoredMember(
            _file_name(i), entry.text("sha256", 64),
            {name: _module_size(sizes.inner(name)) for name in sizes.values},
        )  # fmt: skip


def _module_size(fields: Fields) -> dict[str, int]:
    return {key: fields.whole(key, 1, LARGEST_SIDE) for key in fields.values}


def _check_files(folder: Path, stored: tuple[_StoredMember, ...]) -> None:
    found = {path.name for path in folder.glob("member-*")}
    wanted = {entry.file for entry in stored}
    if missing := sorted(wanted - found):
        raise RequestError(f"{folder / missing[0]} is missing; copy the whole folder again")
    if extra := sorted(found - wanted):
        raise RequestError(f"{folder / extra[0]} is not named in {ROOT}; remove it")


def _member(
    folder: Path, info: MemberInfo, stored: _StoredMember, about: Description, factories: Factories
) -> EnsembleMember:
    path, data = folder / stored.file, _checked(folder, stored)
    try:
        network, widths = _rebuild(info.arch, stored.sizes, load_tensors(data), about, factories)
    except RequestError:
        raise
    except (ValueError, TypeError, RuntimeError, OverflowError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise RequestError(
            f"{path} does not fit architecture {info.arch!r}: {reason}"[:500]
        ) from error
    return EnsembleMember(info.name, info.arch, network, info.cost, widths)


def _checked(folder: Path, stored: _StoredMember) -> bytes:
    path = folder / stored.file
    data = _read(path, 2**40)
    if sha256_of(data) != stored.checksum:
        raise RequestError(f"{path} does not match its checksum in {ROOT}: changed or damaged")
    return data


class _Rebuilt(NamedTuple):
    """A network with its stored weights, and its widths against the unpruned."""

    network: nn.Module
    widths: tuple[LayerWidth, ...]


def _rebuild(
    arch: str, sizes: Sizes, state: dict[str, Tensor], about: Description, factories: Factories
) -> _Rebuilt:
    """Build without memory, set the stored sizes, then hand it the stored tensors."""
    classes, shape = len(about.classes), about.input_shape
    foreign = arch in factories
    with torch.random.fork_rng(devices=[]), torch.device("cpu" if foreign else "meta"):
        network = (factories[arch] if foreign else _registered(arch))(classes, shape)
        unpruned = module_sizes(network)
        _check_no_larger(unpruned, sizes)
        resize(network, sizes)
    _check_state(network, state)
    network.load_state_dict(state, strict=True, assign=not foreign)
    network.requires_grad_(False)
    _check_output(network, shape, classes, whole=foreign)
    return _Rebuilt(network.eval(), _widths(unpruned, module_sizes(network)))


def _registered(arch: str) -> Callable[..., nn.Module]:
    rest = arch.partition(":")[2]
    if not built_in(arch):
        raise ForeignCodeError(arch, f"ensemble.load(path, factories={{{arch!r}: {rest}}})")
    return resolve_factory(arch)


def _check_output(network: nn.Module, shape: tuple[int, ...], classes: int, *, whole: bool) -> None:
    """Pass a sample through, so that sizes that do not chain are found now.

    One that may take much memory is passed as a shape alone, unless `whole`: the caller's own
    code may hold tensors and read values. torch imports its compiler for shapes alone, which
    takes a second.
    """
    widths = (size for sizes in module_sizes(network).values() for size in sizes.values())
    if not whole and max(widths, default=0) * math.prod(shape) > MOST_PASSED:
        network = copy.deepcopy(network).to("meta")
    device = next((tensor.device for tensor in network.state_dict().values()), None)
    with torch.inference_mode():
        out = network.eval()(torch.zeros(1, *shape, device=device))
    if out.shape != (1, classes):
        raise ValueError(f"it answers {tuple(out.shape)}, expected (1, {classes})")


def _check_no_larger(unpruned: Sizes, stored: Sizes) -> None:
    for layer, sizes in stored.items():
        for key, size in sizes.items():
            if size > unpruned.get(layer, {}).get(key, size):
                raise ValueError(f"{layer}.{key} is {size}, unpruned it has {unpruned[layer][key]}")


def _check_state(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Refuse a dtype that would change what is computed, and numbers that are none."""
    for key, declared in network.state_dict().items():
        if key in state and state[key].dtype != declared.dtype:
            raise ValueError(f"{key} is {state[key].dtype}, expected {declared.dtype}")
    if bad := [key for key, value in state.items() if not value.isfinite().all()]:
        raise ValueError(f"{bad[0]} holds NaN or infinite values")


def _widths(unpruned: Sizes, kept: Sizes) -> tuple[LayerWidth, ...]:
    names = ("out_features", "out_channels", "num_features")
    return tuple(
        LayerWidth(layer, kept[layer][key], full[key])
        for layer, full in unpruned.items()
        for key in names
        if key in full
    )
