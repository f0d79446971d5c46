"""What the small distribution brings suffices for an exported file, and the rest says so."""

from __future__ import annotations

import json
import re
import runpy
import signal
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest
from lacking import RUN, TRAINS, run_small, small
from PIL import Image
from pipeline_support import tiny_config, write_images

from ensemble.installed import EDGE, ONLY_WHOLE, WHOLE, check_alone
from pipelines.build.story import build
from pruning.core.errors import RequestError

ROOT = Path(__file__).parents[1]
WHOLE_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EDGE_PROJECT = tomllib.loads((ROOT / "edge" / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its team as one .onnx file, and a picture."""
    folder = tmp_path_factory.mktemp("small")
    built = build(tiny_config(write_images(folder / "tiny.npz")), out=folder / "run")
    built.ensemble.export(folder / "team.onnx")
    Image.new("L", (4, 4), 200).save(folder / "grey.png")
    return folder


def _whole(*words: object) -> str:
    command = [sys.executable, "-m", "pipelines.commands.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "team.onnx", "grey.png"],
        ["predict", "team.onnx", ".", "--format", "jsonl", "--explain"],
        ["show", "team.onnx"],
        ["verify", "team.onnx"],
        ["--version"],
    ],
)
def test_an_exported_file_needs_nothing_that_trains(words: list[str], place: Path) -> None:
    given = [place / word if (place / word).exists() else word for word in words]
    done = run_small(*given)
    assert (done.returncode, done.stdout) == (0, _whole(*given))


def test_an_exported_file_is_served_without_what_trains(place: Path) -> None:
    command = small("serve", place / "team.onnx", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{address}/health") as answer:
            about = json.load(answer)
        server.send_signal(signal.SIGTERM)
    assert about["classes"] == [0, 1, 2]


@pytest.mark.parametrize("words", [["predict", "team.onnx", "grey.png"], ["show", "team.onnx"]])
def test_nothing_that_trains_is_loaded_for_it_where_it_is_there(
    words: list[str], place: Path
) -> None:
    given = [str(place / word) if (place / word).exists() else word for word in words]
    code = (
        "import sys; from pipelines.commands.cli import run; assert run(sys.argv[1:]) == 0; "
        f"print([m for m in {TRAINS!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *given], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ["build", "--m", "2", "--s", "1", "--out", "new"],
        ["select", "run", "--s", "1", "--out", "new"],
        ["compare", "run"],
        ["export", "run"],
        ["check", "mlp-a", "--input", "1x4x4"],
        ["archs"],
        ["reproduce", "--list"],
        ["combine", "team.onnx", "--labels", "tiny.npz", "--out", "new"],
        ["log", "run", "--tensorboard", "new"],
        ["predict", "run", "grey.png"],
        ["predict", "run", "grey.png", "--arch", "mynets:make"],
        ["show", "run"],
        ["serve", "run"],
    ],
)
def test_what_needs_more_says_so_in_a_line_with_the_command(words: list[str], place: Path) -> None:
    given = [place / word if (place / word).exists() else word for word in words]
    done = run_small(*given)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"ensemble: \S+ needs [a-z]+, which is not installed; (.*, or )?pip install "
        rf"{WHOLE}\n", done.stderr,
    ), done.stderr  # fmt: skip


def test_where_it_is_needed_is_shown_to_who_asks() -> None:
    told = run_small("archs", "--debug").stderr
    assert "Traceback" in told and 'pipelines/commands/archs.py", line' in told


def test_networks_of_ones_own_are_not_for_an_exported_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.commands.cli import run

    assert run(["predict", str(place / "team.onnx"), "--arch", "mynets:make", "x.png"]) == 2
    told = "ensemble: --arch mynets:make: an .onnx file holds its networks; leave it out\n"
    assert capsys.readouterr().err == told


def test_python_is_told_the_same(place: Path) -> None:
    code = "import ensemble\ntry: ensemble.load(sys.argv[1])\nexcept ValueError as e: print(e)"
    told = run_small(place / "run", code=code).stdout
    assert told.startswith(f"{place / 'run' / 'ensemble'} needs torch, which is not installed; ")
    assert "`ensemble export`" in told


def test_two_distributions_in_one_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dropnet_ensemble_edge-0.1.0.dist-info").mkdir()
    check_alone(tmp_path)
    (tmp_path / "dropnet_ensemble-0.2.0.dist-info").mkdir()
    with pytest.raises(RequestError, match=f"^{WHOLE} and {EDGE} are both installed in ") as told:
        check_alone(tmp_path)
    assert f"pip uninstall -y {WHOLE} {EDGE} && pip install {WHOLE}" in str(told.value)
    (tmp_path / "dropnet_ensemble_edge-0.1.0.dist-info").rmdir()
    check_alone(tmp_path)


def test_the_small_distribution_asks_for_what_the_whole_one_does() -> None:
    whole, edge = WHOLE_PROJECT["project"], EDGE_PROJECT["project"]
    extras = whole["optional-dependencies"]
    left_out = {r for r in whole["dependencies"] if r not in edge["dependencies"]}
    names = {re.split("[>=<]", requirement)[0] for requirement in left_out}
    assert {"scikit-learn" if name == "sklearn" else name for name in ONLY_WHOLE} == names
    assert set(edge["dependencies"]) <= {*whole["dependencies"], *extras["onnx"]}
    assert edge["optional-dependencies"] == {"serve": extras["serve"]}
    same = ("requires-python", "license", "license-files", "scripts")
    assert [edge[key] for key in same] == [whole[key] for key in same]
    assert EDGE_PROJECT["tool"]["setuptools"].pop("dynamic") == {"version": {"file": "VERSION"}}
    assert EDGE_PROJECT["tool"]["setuptools"] == WHOLE_PROJECT["tool"]["setuptools"]


def test_the_small_distribution_is_the_same_files_in_the_same_version(tmp_path: Path) -> None:
    laid = runpy.run_path(str(ROOT / "edge" / "build.py"))["lay_out"](tmp_path)
    assert (laid / "VERSION").read_text() == WHOLE_PROJECT["project"]["version"] + "\n"
    for folder in ("ensemble", "pipelines", "pruning", "selection"):
        here = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.*")
                if "__pycache__" not in path.parts and path.is_file()}  # fmt: skip
        there = {p.relative_to(laid) for p in (laid / folder).rglob("*.*") if p.is_file()}
        assert here == there
        assert all((ROOT / name).read_bytes() == (laid / name).read_bytes() for name in here)


def test_the_process_of_these_tests_lacks_what_it_says() -> None:
    assert RUN
    done = run_small(code="import torch")
    assert done.returncode == 1
    assert "No module named 'torch'" in done.stderr
