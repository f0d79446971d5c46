from __future__ import annotations

from pathlib import Path

from miniatures import idx_folder


def write(root: Path) -> Path:
    idx_folder(root / "MNIST" / "raw")
    return root
