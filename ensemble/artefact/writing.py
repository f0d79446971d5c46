"""Writing an ensemble's folder, whole or not at all; the same ensemble, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from ensemble.artefact.stored import FORMAT, FORMAT_VERSION, LARGEST_ROOT, file_name
from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.probe import Probe
from ensemble.storage.folder import ROOT
from ensemble.storage.sealed import (
    folder_written_whole,
    seal,
    sha256_of,
    write_bytes_atomic,
    write_json_atomic,
)
from pruning.core.errors import RequestError
from pruning.networks.weights import tensors_of
from pruning.surgery import module_sizes


def write_folder(
    folder: Path, members: Sequence[EnsembleMember], about: Description, probe: Probe | None
) -> None:
    """Write members and what is said of them.

    An ensemble that is already there is replaced; anything else is refused.
    """
    if folder.exists() and not _may_replace(folder):
        raise RequestError(
            f"{folder} exists and holds no {ROOT}; choose a new folder for the ensemble"
        )
    content = about.without_widths.to_json() | {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "probe": None if probe is None else probe.to_json(),
    }
    files = []
    with folder_written_whole(folder) as fresh:
        for i, member in enumerate(members):
            data = save_tensors(_plain_tensors(member.network))
            write_bytes_atomic(fresh / file_name(i), data)
            sizes = module_sizes(member.network)
            files.append({"file": file_name(i), "sha256": sha256_of(data), "sizes": sizes})
        write_json_atomic(fresh / ROOT, seal(content | {"files": files}))
        if (size := (fresh / ROOT).stat().st_size) > LARGEST_ROOT:
            raise RequestError(
                f"{folder}: its {ROOT} would have {size} bytes, allowed are {LARGEST_ROOT}; "
                "take fewer members, or write an .onnx file"
            )


def _may_replace(folder: Path) -> bool:
    return folder.is_dir() and ((folder / ROOT).is_file() or not any(folder.iterdir()))


def _plain_tensors(network: nn.Module) -> dict[str, Tensor]:
    return {key: value.cpu().contiguous().clone() for key, value in tensors_of(network).items()}
