"""Which distribution is installed here, the whole or the small one, and how to get what it lacks.

Both are built from one tree and hold the same files; ``dropnet-ensemble-edge`` brings no torch.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pruning.core.errors import RequestError

WHOLE, EDGE = "dropnet-ensemble", "dropnet-ensemble-edge"

ONLY_WHOLE = {
    "torch", "torchvision", "sklearn", "joblib", "pandas", "scipy", "safetensors", "rich",
}  # fmt: skip
"""Modules of the packages that only the whole distribution brings."""


def distribution() -> str:
    """Return the name of the distribution whose files these are; the whole's where none says."""
    from importlib.metadata import PackageNotFoundError, version

    for name in (WHOLE, EDGE):
        with suppress(PackageNotFoundError):
            version(name)
            return name
    return WHOLE


def check_alone(place: Path | None = None) -> None:
    """Refuse a place where both distributions are installed.

    The later one wrote its files over the earlier one's, of another version perhaps, and
    uninstalling either takes them from both.

    Parameters
    ----------
    place
        The folder of the installed packages; None means the one that holds this file.

    Raises
    ------
    RequestError
        If both lie there.
    """
    folder = place or Path(__file__).parents[1]
    marks = (f"{name.replace('-', '_')}-*.dist-info" for name in (WHOLE, EDGE))
    if all(any(folder.glob(mark)) for mark in marks):
        raise RequestError(
            f"{WHOLE} and {EDGE} are both installed in {folder} and share their files; keep "
            f"one: pip uninstall -y {WHOLE} {EDGE} && pip install {WHOLE}"
        )


def way_to(extra: str = "") -> str:
    """Return the command that brings what is lacking: an extra, or the whole distribution.

    >>> way_to("serve")
    "pip install 'dropnet-ensemble[serve]'"
    """
    name = distribution()
    if extra:
        return f"pip install '{name}[{extra}]'"
    away = f"pip uninstall -y {EDGE} && " if name == EDGE else ""
    return f"{away}pip install {WHOLE}"


def lacking(what: str, error: ImportError, instead: str = "") -> RequestError | None:
    """Return what to say where `what` needs a module of the whole distribution; else None.

    >>> print(lacking("build", ModuleNotFoundError(name="torch._dynamo")))
    build needs torch, which is not installed; pip install dropnet-ensemble
    """
    module = (error.name or "").partition(".")[0]
    if module not in ONLY_WHOLE:
        return None
    why = f"{EDGE} leaves out" if distribution() == EDGE else "is not installed"
    return RequestError(f"{what} needs {module}, which {why}; {instead}{way_to()}")
