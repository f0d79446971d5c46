"""The small distribution alone, in an environment made from nothing. A package index is needed."""

from __future__ import annotations

import json
import runpy
import shutil
import signal
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_support import tiny_config, write_images

from ensemble.installed import EDGE, WHOLE
from pipelines.build.story import build

ROOT = Path(__file__).parents[1]
EDGE_BUILD = runpy.run_path(str(ROOT / "edge" / "build.py"))

pytestmark = pytest.mark.slow


def _said(*words: object, code: int = 0) -> tuple[str, str]:
    """Run a program, away from this tree, and return what it said."""
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, cwd="/", env={}
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment in which our wheel was installed, and what it asks for."""
    place = tmp_path_factory.mktemp("environment")
    index = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", place / "any", "click"]
    if subprocess.run(index, capture_output=True, check=False).returncode:
        pytest.skip("pip reaches no package index")
    venv.create(place / "venv", with_pip=True)
    wheel = EDGE_BUILD["build"](place)
    subprocess.run([place / "venv/bin/pip", "install", "--quiet", wheel], check=True)
    return place / "venv" / "bin"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a team as one .onnx file, and a folder of pictures."""
    folder = tmp_path_factory.mktemp("brought")
    built = build(tiny_config(write_images(folder / "tiny.npz")), out=folder / "run")
    built.ensemble.export(folder / "team.onnx")
    (folder / "photos").mkdir()
    with np.load(folder / "tiny.npz") as data:
        for i, image in enumerate(data["X"][:20]):
            Image.fromarray(image).save(folder / "photos" / f"{i:02d}.png")
    return folder


def test_it_predicts_a_folder_as_the_whole_one_does(programs: Path, place: Path) -> None:
    listed, _ = _said(programs / "pip", "list", "--format=json")
    names = {package["name"].lower() for package in json.loads(listed)}
    assert names >= {EDGE, "numpy", "onnxruntime", "pillow", "click"}
    assert not names & {WHOLE, "torch", "torchvision", "pandas", "scikit-learn", "scipy", "rich"}
    found, _ = _said(programs / "ensemble", "predict", place / "team.onnx", place / "photos")
    here = [sys.executable, "-m", "pipelines.commands.cli", "predict", "team.onnx", "photos"]
    wanted = subprocess.run(here, cwd=place, capture_output=True, text=True, check=True).stdout
    assert found.replace(f"{place}/", "") == wanted
    assert found.count("\n") == 21


def test_what_it_leaves_out_is_told_with_the_way_to_it(programs: Path, place: Path) -> None:
    _, told = _said(programs / "ensemble", "build", "--m", "2", code=2)
    assert told.endswith(
        f", which {EDGE} leaves out; pip uninstall -y {EDGE} && pip install {WHOLE}\n"
    )
    _, told = _said(programs / "ensemble", "serve", place / "team.onnx", code=2)
    assert told.endswith(f"pip install '{EDGE}[serve]'\n")


def test_both_in_one_environment_are_refused_until_one_is_left(
    programs: Path, place: Path, tmp_path: Path
) -> None:
    laid = EDGE_BUILD["lay_out"](tmp_path)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, laid)
    pip = (programs / "pip", "install", "--quiet", "--no-deps")
    subprocess.run([*pip, laid], check=True)
    show = (programs / "ensemble", "show", place / "team.onnx")
    _, told = _said(*show, code=2)
    assert f"{WHOLE} and {EDGE} are both installed in " in told
    load = f"import ensemble; ensemble.load({str(place / 'team.onnx')!r})"
    assert "are both installed" in _said(programs / "python", "-c", load, code=1)[1]
    advised = told.partition("keep one: pip ")[2].partition(" && ")[0].split()
    subprocess.run([programs / "pip", *advised, "--quiet"], check=True)
    subprocess.run([*pip, next(programs.parents[1].glob("*.whl"))], check=True)
    assert _said(*show)[0].startswith("2 networks")


def test_it_serves_with_its_extra(programs: Path, place: Path) -> None:
    wheel = next(programs.parents[1].glob("*.whl"))
    subprocess.run([programs / "pip", "install", "--quiet", f"{wheel}[serve]"], check=True)
    command = [programs / "ensemble", "serve", place / "team.onnx", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/", env={}) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{address}/health") as answer:
            assert json.load(answer)["classes"] == [0, 1, 2]
        server.send_signal(signal.SIGTERM)


def test_openvino_reads_the_file_and_answers_the_same(programs: Path, place: Path) -> None:
    subprocess.run([programs / "pip", "install", "--quiet", "openvino"], check=True)
    code = f"""
import ensemble, numpy as np, openvino
team = ensemble.load({str(place / "team.onnx")!r})
exact = {{"INFERENCE_PRECISION_HINT": "f32"}}
read = openvino.Core().compile_model({str(place / "team.onnx")!r}, "CPU", exact)
for count in (1, 3, 41):
    x = np.random.default_rng(count).integers(0, 256, (count, *team.description.input_shape))
    x = x.astype(np.uint8)
    found = read({{"samples": x}})[read.output("probabilities")]
    print(abs(found - team.predict_proba(x)).max())
"""
    apart = [float(line) for line in _said(programs / "python", "-c", code)[0].split()]
    assert len(apart) == 3
    assert max(apart) < 1e-5
