from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.model import Ensemble
from ensemble.reading.sources import Failure, count_samples, read_batches
from ensemble.stream import Record, csv_header, csv_line, json_line, predict_stream
from pruning.core.errors import RequestError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for i in range(7):
        folder = tmp_path / "photos" / f"class {i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (10 + i, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    (tmp_path / "photos" / "notes.txt").touch()
    (tmp_path / "photos" / "class 0" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    return tmp_path / "photos"


def split(stream: object) -> tuple[list[Record], list[Failure]]:
    items = list(stream)  # type: ignore[call-overload]
    return (
        [item for item in items if isinstance(item, Record)],
        [item for item in items if isinstance(item, Failure)],
    )


def test_a_folder_in_batches_with_one_broken_file(team: Ensemble, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    wanted = team.predict_proba(paths)
    for size in (1, 3, 256):
        team.set_params(batch_size=size)
        good, bad = split(predict_stream(team, [str(photos)]))
        assert [r.source for r in good] == [str(p) for p in paths]
        np.testing.assert_allclose([r.probabilities for r in good], wanted, atol=1e-6)
        assert [r.label for r in good] == team.predict(paths).tolist()
        assert [Path(f.source).name for f in bad if not f.expected] == ["broken.jpg"]
        assert [Path(f.source).name for f in bad if f.expected] == ["notes.txt"]
    assert count_samples([str(photos)]) == 8


def test_arrays_files_and_a_list_on_standard_input(
    team: Ensemble, photos: Path, tmp_path: Path, images: Callable
) -> None:
    x = images(count=300)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", X=x[:4, 0] / 255)
    paths = sorted(photos.rglob("*.png"))[:2]
    listed = io.BytesIO("\n".join([*map(str, paths), "", "/no/such.png"]).encode())
    sources = [str(tmp_path / "x.npy"), str(paths[0]), str(tmp_path / "x.npz"), "-"]
    good, bad = split(predict_stream(team, sources, stdin=listed))
    assert [good[i].source for i in (0, 299, 300, 301, 305)] == [
        f"{tmp_path}/x.npy[0]", f"{tmp_path}/x.npy[299]", str(paths[0]),
        f"{tmp_path}/x.npz[0]", str(paths[0]),
    ]  # fmt: skip
    wanted = np.concatenate([team.predict(x), team.predict([paths[0]]), team.predict(x[:4]),
                             team.predict(paths)])  # fmt: skip
    assert [r.label for r in good] == wanted.tolist()
    assert [f.source for f in bad] == ["/no/such.png"]
    assert count_samples(sources) is None and count_samples(sources[:3]) == 305


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "npz"])
def test_a_files_bytes_on_standard_input_are_one_line(team: Ensemble, kind: str) -> None:
    data = io.BytesIO()
    if kind == "npz":
        np.savez(data, X=np.zeros((2, 3)))
    else:
        Image.fromarray(np.full((8, 8), 120, np.uint8)).save(data, kind)
    good, bad = split(predict_stream(team, ["-"], stdin=io.BytesIO(data.getvalue())))
    assert (good, len(bad)) == ([], 1)
    assert "one path per line" in bad[0].reason


def test_paths_may_begin_as_files_do(team: Ensemble, photos: Path, tmp_path: Path) -> None:
    names = [f"{start}.png" for start in ("BMW", "GIF8", "RIFF", "MM", "II")]
    for name in names:
        (tmp_path / name).write_bytes(sorted(photos.rglob("*.png"))[0].read_bytes())
    with contextlib.chdir(tmp_path):
        listed = io.BytesIO("\n".join(names).encode())
        good, bad = split(predict_stream(team, ["-"], stdin=listed))
    assert ([result.source for result in good], bad) == (names, [])


def test_an_array_on_standard_input(team: Ensemble, images: Callable) -> None:
    x = images(count=40)
    whole = io.BytesIO()
    np.save(whole, x)
    good, bad = split(predict_stream(team, ["-"], stdin=io.BytesIO(whole.getvalue())))
    assert [r.label for r in good] == team.predict(x).tolist() and not bad
    assert good[39].source == "-[39]"
    cut = io.BytesIO(whole.getvalue()[:-1])
    good, bad = split(predict_stream(team, ["-"], stdin=cut))
    assert not good and "too early" in bad[0].reason
    noise = io.BytesIO(bytes(range(256)) * 500)
    assert "neither" in split(predict_stream(team, ["-"], stdin=noise))[1][0].reason


def test_a_million_rows_do_not_sit_in_memory(rows_team: Ensemble, tmp_path: Path) -> None:
    import tracemalloc

    np.save(tmp_path / "big.npy", np.zeros((200_000, 4), np.float32))
    tracemalloc.start()
    batches = read_batches([str(tmp_path / "big.npy")], (4,), 64)
    total = sum(len(batch.samples) for batch in batches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 200_000 and peak < 1_000_000


def test_explained(team: Ensemble, images: Callable, tmp_path: Path) -> None:
    x = images(count=5)
    np.save(tmp_path / "x.npy", x)
    good, _ = split(predict_stream(team, [str(tmp_path / "x.npy")], explain=True))
    members = team.predict_members(x)
    for i, record in enumerate(good):
        assert [v.label for v in record.votes] == members[:, i].argmax(-1).tolist()
        best = members[:, i].max(-1)
        np.testing.assert_allclose([v.probability for v in record.votes], best)
        same = [v.label == record.label for v in record.votes]
        assert record.agreement == pytest.approx(np.mean(same))


def test_lines_read_back(make_ensemble: Callable[..., Ensemble], tmp_path: Path) -> None:
    names = ("a,b", 'say "κ"', "c\nd")
    team = make_ensemble(classes=names)
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8), np.uint8))
    for explain in (False, True):
        good, _ = split(predict_stream(team, [str(tmp_path / "x.npy")], explain=explain))
        lines = [csv_header(team, explain=explain), *map(csv_line, good)]
        rows = list(csv.DictReader(io.StringIO("\n".join(lines), newline="")))
        content = [json.loads(json_line(record, team)) for record in good]
        for record, row, value in zip(good, rows, content, strict=True):
            assert "\n" not in json_line(record, team)
            assert row["class"] == value["class"] == record.label
            for name, p in zip(names, record.probabilities, strict=True):
                assert float(row[f"p:{name}"]) == pytest.approx(float(p), abs=1e-6)
                assert value["probabilities"][name] == pytest.approx(float(p), abs=1e-6)
            if explain:
                assert row["vote:00-r3"] == value["members"]["00-r3"]["class"]


def test_what_is_named_wrongly_is_refused_before_anything_runs(
    team: Ensemble, rows_team: Ensemble, photos: Path
) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        next(predict_stream(team, [str(photos), "/no/such"]))
    with pytest.raises(RequestError, match="rows of 4 features"):
        next(predict_stream(rows_team, [str(photos)]))


@pytest.mark.parametrize(
    "kind", ["objects", "shape", "no X", "cut", "text", "number", "empty folder"]
)
def test_arrays_that_are_none_are_reported(team: Ensemble, tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("x.npz" if kind == "no X" else "x.npy")
    match kind:
        case "objects":
            np.save(path, np.array([None, {}]), allow_pickle=True)
        case "shape":
            np.save(path, np.zeros((3, 5, 5), np.uint8))
        case "no X":
            np.savez(path, images=np.zeros((3, 8, 8), np.uint8))
        case "cut":
            np.save(path, np.zeros((30, 8, 8), np.uint8))
            path.write_bytes(path.read_bytes()[:-5])
        case "text":
            path.write_text("hello")
        case "number":
            np.save(path, np.uint8(3))
        case "empty folder":
            path.mkdir()
    good_one = tmp_path / "good.npy"
    np.save(good_one, np.zeros((1, 8, 8), np.uint8))
    good, bad = split(predict_stream(team, [str(path), str(good_one)]))
    assert len(good) == 1 and len(bad) == 1
    assert bad[0].source == str(path) and "\n" not in bad[0].reason
