"""The pages of the Python API are built from the docstrings without a warning."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "api.py"


@pytest.mark.slow
def test_every_name_a_page_offers_is_on_its_page(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    pages = [path.relative_to(tmp_path).with_suffix("") for path in tmp_path.rglob("*.html")]
    found = {".".join(page.parts) for page in pages} - {"index"}
    assert {"dropnet_ensemble", "pruning", "selection", "ensemble"} <= found
    for name in found:
        offered = getattr(importlib.import_module(name), "__all__", ())
        text = tmp_path.joinpath(*name.split(".")).with_suffix(".html").read_text(encoding="utf-8")
        missing = [entry for entry in offered if f'id="{entry}"' not in text]
        assert not missing, f"{name} lacks {missing}"
