"""Code of the user's own is found in the current folder, last, and never mistaken for another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASK = (
    "from pruning.core.user_code import import_user_code\n"
    "try: print(import_user_code('architecture', {asked!r}, ['mlp-a']))\n"
    "except ValueError as error: print('refused:', error)\n"
)


def ask(asked: str, folder: Path) -> str:
    """Return what a fresh process in a folder finds."""
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", ASK.format(asked=asked)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("pruning.py", "pruning:make"),
        ("pruning/nets.py", "pruning.nets:make"),
        ("ensemble/__init__.py", "ensemble:make"),
        ("ensemble/nets.py", "ensemble.nets:make"),
        ("random.py", "random:make"),
        ("numpy/__init__.py", "numpy:make"),
        ("pruning.py", "pruning:find_groups"),
    ],
)
def test_a_file_under_a_taken_name_is_said_to_be_shadowed(
    file: str, asked: str, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("make = 'mine'\n")
    found = ask(asked, tmp_path)
    assert found.startswith(f"refused: architecture {asked!r}: {file} of this folder cannot be had")
    assert "another name" in found and "\n" not in found


@pytest.mark.parametrize(
    ("file", "asked"), [("nets.py", "nets:make"), ("mine/nets.py", "mine.nets:make")]
)
def test_a_file_under_a_name_of_its_own_is_found(file: str, asked: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    # A file named as a library's is not taken for it.
    (tmp_path / "random.py").write_text("raise RuntimeError('not the library')\n")
    path.write_text("import random, numpy\nmake = random.Random.__module__\n")
    assert ask(asked, tmp_path) == "random"


@pytest.mark.parametrize("where", ["at the top", "in the factory"])
def test_a_users_code_may_import_torchvision(where: str, tmp_path: Path) -> None:
    top = "import torchvision\n" if where == "at the top" else ""
    inner = "    import torchvision\n"
    (tmp_path / "seen.py").write_text(
        f"{top}def make(classes, shape):\n{inner}"
        "    return torchvision.models.squeezenet1_1(num_classes=classes)\n"
    )
    code = (
        "from pruning.networks.architecture import build_network\n"
        "print(type(build_network('seen:make', 3, (3, 64, 64), 0)).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "SqueezeNet", done.stderr
