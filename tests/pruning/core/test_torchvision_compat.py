"""torchvision opens beside any torch; each case has its own process, for imports stay."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
from pathlib import Path

import pytest


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    search = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", search + code],
        capture_output=True,
        text=True,
        check=False,
    )


def test_data_sets_models_and_transforms_work() -> None:
    done = run(
        "from pruning.core.torchvision_compat import import_torchvision\n"
        "import torch\n"
        "tv = import_torchvision()\n"
        "assert import_torchvision() is tv\n"
        "assert tv.datasets.MNIST.resources\n"
        "net = tv.models.get_model('squeezenet1_1', num_classes=3).eval()\n"
        "crop = tv.transforms.CenterCrop(48)\n"
        "print(tuple(net(crop(torch.zeros(2, 3, 64, 64))).shape))\n"
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "(2, 3)", "")


def test_an_operator_that_exists_is_left_alone() -> None:
    done = run(
        "import torch\n"
        "library = torch.library.Library('torchvision', 'FRAGMENT')\n"
        "library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "library.impl('nms', lambda dets, scores, threshold: scores + 1, 'CPU')\n"
        "from pruning.core.torchvision_compat import _define_missing_schemas\n"
        "_define_missing_schemas()\n"
        "print(torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5).item())\n"
        "print(hasattr(torch.ops.torchvision, 'qnms'))\n"
    )
    assert (done.stdout.split(), done.stderr) == (["1.0", "True"], "")


def fake_package(folder: Path, code: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(code)
    return package


def test_nothing_is_defined_where_the_operators_load(tmp_path: Path) -> None:
    found = ctypes.util.find_library("m")
    loaded = Path("/proc/self/maps")
    if found is None or not loaded.exists():
        pytest.skip("needs a shared library to stand for the operators")
    ctypes.CDLL(found)
    library = next(line.split()[-1] for line in loaded.read_text().splitlines() if found in line)
    package = fake_package(tmp_path, "import torch\nseen = hasattr(torch.ops.torchvision, 'nms')\n")
    (package / "_C.so").symlink_to(library)
    done = run(
        "from pruning.core.torchvision_compat import import_torchvision\n"
        "print(import_torchvision().seen)\n",
        tmp_path,
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_an_operator_nobody_knows_is_one_clear_error(tmp_path: Path) -> None:
    fake_package(tmp_path, "raise RuntimeError('operator torchvision::new does not exist')")
    done = run(
        "from pruning.core.torchvision_compat import import_torchvision\n"
        "try:\n    import_torchvision()\n"
        "except ImportError as error:\n    print(error)\n",
        tmp_path,
    )
    assert done.stdout.strip() == (
        "torchvision does not fit this torch: operator torchvision::new does not exist; "
        "install the torchvision that was released with it"
    )


def test_not_installed() -> None:
    done = run(
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from pruning.core.torchvision_compat import import_torchvision\n"
        "try:\n    import_torchvision()\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert done.stdout.strip() == "torchvision is not installed; pip install torchvision"
