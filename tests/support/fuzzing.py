"""What hypothesis hands over to commands and library, and what must hold of every answer.

Four kinds: arguments, ``.npz`` files, images, manifests. Each is a strategy and a check, which
raises `FaultError` for a traceback, an exit code that is not documented, several lines, an answer
that is no probability, or too many seconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import hostile
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

import ensemble
from ensemble.storage.sealed import seal, unseal
from ensemble.stream import Record, predict_stream
from pipelines.commands.cli import cli, run
from pipelines.run.config_file import read_config
from pruning.core.errors import RequestError

SECONDS = 30
"""After which an example counts as hanging."""

RAW = re.compile(r"ensemble: \w*(Error|Exception|Exit|Warning)\b")
TEAM = hostile.KEPT / "team"


class FaultError(AssertionError):
    """An answer that none may get."""


class _Late(BaseException):  # which no broad `except` of what is asked takes for its own
    pass


@dataclass(frozen=True)
class Kind:
    """A strategy, and the check of one of its examples in a scratch folder."""

    examples: st.SearchStrategy[Any]
    check: Callable[[Path, Any], str]


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Make an example that takes too long a fault."""

    def late(*_: object) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    except _Late:
        raise FaultError(f"it hangs: more than {SECONDS} s") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def command(words: list[str]) -> str:
    """Run a command; return what came of it, or raise `FaultError`."""
    out, err = io.StringIO(), io.StringIO()
    with bounded(), warnings.catch_warnings(), contextlib.ExitStack() as streams:
        warnings.simplefilter("ignore")
        streams.enter_context(contextlib.redirect_stdout(out))
        streams.enter_context(contextlib.redirect_stderr(err))
        code = run(words)
    said = err.getvalue().splitlines()
    if "Traceback" in err.getvalue() or (code == 0 and "nan" in out.getvalue().split(",")):
        raise FaultError(f"{words} {code} {err.getvalue()[-500:]}")
    if code and (code not in (1, 2) or not said or RAW.match(said[-1]) or len(said[-1]) > 2500):
        raise FaultError(f"{words} {code} {said[-1:]}")
    if code == 1 and not re.match("ensemble: |.*(cannot|is not|no )", said[-1]):
        raise FaultError(f"{words} {code} {said[-1:]}")
    return ("done", "failed", "refused")[code]


def library(call: Callable[[], Any]) -> str:
    """Call the library; return what came of it, or raise `FaultError`."""
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except RequestError as error:
        if "\n" in str(error):
            raise FaultError(f"several lines: {error!r}") from error
        return "refused"
    return "done"


def scratch(place: Path) -> Path:
    """Make the files that arguments may name, and return their folder."""
    rng = np.random.default_rng(0)
    np.save(place / "x.npy", rng.integers(0, 255, (3, *hostile.SAMPLE), np.uint8))
    pool = rng.dirichlet(np.ones(3), (4, 20)).astype(np.float32)
    np.savez(place / "pool.npz", probabilities=pool, labels=rng.integers(0, 3, 20))
    np.savez(place / "rows.npz", X=rng.normal(size=(60, 5)), y=np.arange(60) % 3)
    Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(place / "photo.png")
    shutil.copytree(TEAM, place / "team")
    shutil.copy(hostile.KEPT / "team.onnx", place / "team.onnx")
    return place


_FILES = st.sampled_from(
    ["x.npy", "pool.npz", "rows.npz", "photo.png", "team", "team.onnx", ".", "new", "-", "", "no"]
)
_ODD = st.one_of(
    st.text(st.characters(blacklist_characters="\0"), max_size=12), st.integers().map(str),
    st.floats().map(str), st.sampled_from(["1", "2", "0", "mlp-a", "hq", "1x8x8", "cpu", "auto"]),
    st.text("\x1b\udcff\u202e-/:.=", min_size=1, max_size=4),
)  # fmt: skip
_RUNNABLE = {
    "select": ["pool.npz"], "archs": ["mlp-a"], "check": ["mlp-a", "--input", "1x8x8"],
    "predict": ["team.onnx", "x.npy"], "show": ["team"], "verify": ["team"],
    "export": ["team", "--out", "new"], "log": ["team", "--tensorboard", "new"],
    "compare": ["pool.npz"],
}  # fmt: skip
"""Commands, and words with which they do something at once."""
_PARSED = ("build", "serve", "combine", "reproduce")
"""Commands that would train or serve: their words are parsed, and end in one that is refused."""


@st.composite
def _arguments(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from([*_RUNNABLE, *_PARSED]))
    options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
    first = ["mlp-a"] * (name == "archs")  # without a name it builds every one
    good = st.just(_RUNNABLE.get(name, []))
    words = [name, *first, *draw(st.one_of(good, good, st.lists(_FILES | _ODD, max_size=2)))]
    for option in draw(st.lists(st.sampled_from(options), max_size=3)):
        number = option.type.name.startswith(("integer", "float"))
        value = st.integers(0, 9).map(str) | _ODD if number else _ODD | _FILES
        words += [option.opts[0], *([] if option.is_flag else [draw(value)])]
    return [*words, "--no-such", "--no-such"] if name in _PARSED else words


def _given_arguments(place: Path, words: list[str]) -> str:
    with contextlib.chdir(place):
        found = command(words)
        for made in ("new", "team.int8.onnx"):
            shutil.rmtree(place / made, ignore_errors=True)
    return found


_NAMES = st.sampled_from(
    ["X", "y", "x_train", "y_train", "x_test", "y_test", "probabilities", "labels", "names",
     "classes", "flops", "bytes", "latency", "test_probabilities", "test_labels", "groups", "z"]
)  # fmt: skip
_SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=16)
_TYPES = st.one_of(npst.scalar_dtypes(), npst.unicode_string_dtypes(max_len=4),
                   npst.byte_string_dtypes(max_len=4))  # fmt: skip
_POOLS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).dirichlet(np.ones(3), (4, 12))
)
_ARRAYS = st.one_of(
    npst.arrays(_TYPES, _SHAPES), _POOLS,
    npst.arrays(np.uint8, st.tuples(st.integers(0, 9), *map(st.just, hostile.SAMPLE))),
    npst.arrays(st.sampled_from([np.int64, np.uint8, np.float32]), st.sampled_from([12, 4, 60])),
)  # fmt: skip
_DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=3)
_CUT = st.one_of(st.just(1.0), st.floats(0, 1))


def _damaged(data: bytes, damage: list[tuple[float, int]], cut: float) -> bytes:
    changed = bytearray(data)
    for where, value in damage:
        changed[int(where * (len(changed) - 1))] = value
    return bytes(changed[: int(cut * len(changed))])


def _archive(place: Path, example: tuple[dict[str, Any], Any, float, str]) -> str:
    arrays, damage, cut, use = example
    file = io.BytesIO()
    np.savez(file, **arrays)
    (place / "given.npz").write_bytes(_damaged(file.getvalue(), damage, cut))
    words = {
        "predict": ["predict", "team.onnx", "given.npz"], "select": ["select", "given.npz"],
        "archs": ["archs", "mlp-a", "--data", "given.npz"],
    }  # fmt: skip
    with contextlib.chdir(place):
        return command(words[use])


_PICTURES = st.tuples(
    st.sampled_from(["L", "RGB", "RGBA", "P", "1", "LA", "I", "I;16", "CMYK", "F"]),
    st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]),
    st.integers(1, 40), st.integers(1, 40), _DAMAGE, _CUT,
)  # fmt: skip


def _picture(place: Path, example: tuple[str, str, int, int, Any, float]) -> str:
    mode, kind, width, height, damage, cut = example
    file = io.BytesIO()
    try:
        Image.new(mode, (width, height)).save(file, kind)
    except (OSError, ValueError):  # no such mode in this format
        Image.new("RGB", (width, height)).save(file, kind)
    path = place / f"given.{kind.lower()}"
    path.write_bytes(_damaged(file.getvalue(), damage, cut))
    model = _loaded("onnx")
    said = []

    def ask() -> None:
        for found in predict_stream(model, [str(path)]):
            said.append("done" if isinstance(found, Record) else "refused")
            if isinstance(found, Record):
                _check_answer(found.probabilities)
            elif "\n" in found.reason:
                raise FaultError(f"several lines: {found.reason!r}")

    asked = library(ask)
    path.unlink()
    return said[-1] if said else asked


_MODELS: dict[str, Any] = {}


def _loaded(form: str) -> Any:
    if form not in _MODELS:
        _MODELS[form] = ensemble.load(hostile.KEPT / f"team.{form}")
    return _MODELS[form]


def _check_answer(found: np.ndarray) -> None:
    if not np.isfinite(found).all() or not np.allclose(found.sum(-1), 1, atol=0.02):
        raise FaultError(f"no probabilities: {found}")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from([-1, 0, 2**63, 1e308, "mlp-a:9", "majority", "../x", "module:name"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                                max_size=3),
    max_leaves=4,
)  # fmt: skip
_CHANGES = st.lists(
    st.tuples(st.lists(st.integers(0, 50), max_size=4), st.sampled_from(["set", "drop", "add"]),
              _JSON),
    min_size=1, max_size=3,
)  # fmt: skip
CONFIG = {
    "m": 4, "archs": ["mlp-a"], "data": {"data": "digits"}, "seed": 0,
    "dropnet": {"rounds": 2, "kappa": 0.5, "recipe": {"max_epochs": 3, "batch_size": 16}},
    "selection": {"size": 2},
}  # fmt: skip


def changed(content: Any, path: list[int], how: str, value: Any) -> None:
    """Change one place of a JSON value, found by going down by numbers."""
    for number, step in enumerate(path or [0]):
        keys = sorted(content) if isinstance(content, dict) else range(len(content))
        if not keys:
            return
        key = list(keys)[step % len(keys)]
        inner = content[key]
        if number + 1 >= len(path) or not isinstance(inner, dict | list):
            break
        content = inner
    if how == "drop":
        del content[key]
    elif how == "set":
        content[key] = value
    elif isinstance(content, dict):
        content["more"] = value
    else:
        content.append(value)


def _manifest(place: Path, example: tuple[str, list[Any]]) -> str:
    which, changes = example
    if which == "config.json":
        content = json.loads(json.dumps(CONFIG))
        for change in changes:
            changed(content, *change)
        (place / which).write_text(json.dumps(content, default=str))
        return library(lambda: read_config(place / which))
    root = place / "team" / "ensemble.json"
    content = unseal((TEAM / "ensemble.json").read_bytes(), "kept")
    for change in changes:
        changed(content, *change)
    with contextlib.suppress(RequestError, ValueError, UnicodeError):
        root.write_text(json.dumps(seal(content)))

    def ask() -> None:
        model = ensemble.load(place / "team")
        shape = model.description.input_shape
        zeros = np.zeros((2, *shape), np.uint8 if len(shape) == 3 else np.float32)
        _check_answer(model.predict_proba(zeros))

    try:
        return library(ask)
    finally:
        shutil.copy(TEAM / "ensemble.json", root)


KINDS = {
    "arguments": Kind(_arguments(), _given_arguments),
    ".npz files": Kind(
        st.tuples(st.dictionaries(_NAMES, _ARRAYS, min_size=1, max_size=4), _DAMAGE, _CUT,
                  st.sampled_from(["predict", "select", "archs"])),
        _archive,
    ),
    "images": Kind(_PICTURES, _picture),
    "manifests": Kind(st.tuples(st.sampled_from(["ensemble.json", "config.json"]), _CHANGES),
                      _manifest),
}  # fmt: skip
