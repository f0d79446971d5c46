"""The published files: idx and CIFAR, found, downloaded, damaged.

Pickles are written here only to show how the published ones are, and are not, read.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import pickle
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.data.cifar import read_cifar
from pruning.data.download import Archive, download
from pruning.data.idx import read_idx
from pruning.data.sources import SOURCES, fashion_mnist
from pruning.data.sources.cifar10 import LAYOUT as CIFAR10


def test_idx_by_hand(tmp_path: Path) -> None:
    content = bytes((0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3)) + bytes((1, 2, 3, 4, 5, 6))
    (tmp_path / "a").write_bytes(content)
    assert read_idx(tmp_path / "a", 2).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an idx file"),
        (bytes((0, 0, 13, 1, 0, 0, 0, 1, 5)), "is not an idx file of bytes with 1 dimensions"),
        (bytes((0, 0, 8, 1, 0, 0, 0, 3, 5)), "has 1 bytes of data, its header says 3; delete it"),
    ],
)
def test_damaged_idx(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(RequestError, match=message):
        read_idx(tmp_path / "a", 1)


def test_damaged_gzip(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"not gzip")
    with pytest.raises(RequestError, match=r"a\.gz cannot be read .* fetch it again"):
        read_idx(tmp_path / "a.gz", 1)


def test_idx_parts_must_fit(tmp_path: Path, miniatures, write_idx) -> None:
    miniatures["mnist"](tmp_path)
    folder = tmp_path / "MNIST" / "raw"
    write_idx(folder / "t10k-labels-idx1-ubyte", np.full(29, 3, np.uint8))
    with pytest.raises(RequestError, match="has 30 images for 29 labels"):
        SOURCES["mnist"](tmp_path)
    write_idx(folder / "t10k-labels-idx1-ubyte", np.full(30, 10, np.uint8))
    with pytest.raises(RequestError, match="has a label 10; allowed 0 to 9"):
        SOURCES["mnist"](tmp_path)


def test_debians_fashion_mnist_is_found(
    tmp_path: Path, miniatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    miniatures["fashion-mnist"](tmp_path)
    installed = tmp_path / "installed"
    shutil.copytree(tmp_path / "FashionMNIST" / "raw", installed)
    for path in installed.iterdir():  # Debian's are gzipped
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    monkeypatch.setattr(fashion_mnist, "DEBIAN", installed)
    monkeypatch.chdir(tmp_path)
    found, given = SOURCES["fashion-mnist"](None), SOURCES["fashion-mnist"](tmp_path)
    np.testing.assert_array_equal(found.samples, given.samples)
    assert found.classes[found.labels[:3]].tolist() == ["T-shirt/top", "Trouser", "Pullover"]


@pytest.fixture
def host(tmp_path: Path, miniatures) -> Iterator[str]:
    """Serve a miniature of CIFAR-10 below ``host/``; the address."""
    miniatures["cifar10"](tmp_path / "host")
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "host"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


def archive_of(root: Path, address: str) -> Archive:
    name = CIFAR10.folder
    with tarfile.open(root / f"{name}.tar.gz", "w:gz") as tar:
        tar.add(root / name, name)
    content = (root / f"{name}.tar.gz").read_bytes()
    return Archive((f"{address}/{name}.tar.gz",), hashlib.md5(content).hexdigest())


def test_a_download_arrives_whole(
    tmp_path: Path, host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "host"
    archive = archive_of(published, host)
    mirrored = Archive((f"{host}/absent.tar.gz", *archive.urls), archive.md5)
    download("cifar10", [mirrored], tmp_path / "new" / "data", ["a"])
    assert [path.name for path in (tmp_path / "new" / "data").iterdir()] == [CIFAR10.folder]
    got, want = SOURCES["cifar10"](tmp_path / "new" / "data"), SOURCES["cifar10"](published)
    np.testing.assert_array_equal(got.samples, want.samples)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_download_leaves_nothing(tmp_path: Path, host: str) -> None:
    archive = archive_of(tmp_path / "host", host)
    with pytest.raises(RequestError, match=r"no a, b in .*data, and the download failed \(File"):
        download("cifar10", [Archive(archive.urls, "0" * 32)], tmp_path / "data", ["a", "b"])
    assert [path.name for path in tmp_path.iterdir()] == ["host"]


def test_cifar_by_hand(tmp_path: Path, miniatures) -> None:
    raw = SOURCES["cifar10"](miniatures["cifar10"](tmp_path))
    record = np.fromfile(tmp_path / CIFAR10.folder / "data_batch_1.bin", np.uint8)[: 3073 * 2]
    assert raw.classes[raw.labels[:2]].tolist() == ["airplane", "automobile"]
    assert raw.samples[1, 0, 0, :2].tolist() == record[3074:3076].tolist()
    assert raw.samples[1, 2, 31, 31] == record[-1]
    assert raw.test_from == 200
    hundred = SOURCES["cifar100"](miniatures["cifar100"](tmp_path / "100"))
    assert hundred.classes[hundred.labels[:2]].tolist() == ["c99", "c98"]


def test_damaged_cifar(tmp_path: Path, miniatures) -> None:
    miniatures["cifar10"](tmp_path)
    file = tmp_path / CIFAR10.folder / "test_batch.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(RequestError, match="bytes, allowed multiples of 3073; fetch it again"):
        SOURCES["cifar10"](tmp_path)
    file.write_bytes(bytes((10,)) + whole[1:])
    with pytest.raises(RequestError, match="has a label 10; allowed 0 to 9"):
        SOURCES["cifar10"](tmp_path)


def python_version(root: Path, data_set: type, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a miniature of CIFAR-10's Python version, and make its checksums the published."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(file: str, content: dict[str, object]) -> str:
        (folder / file).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / file).read_bytes()).hexdigest()

    lists: dict[str, list[list[str]]] = {"train_list": [], "test_list": []}
    for i, file in enumerate(("data_batch_1", "data_batch_2", "test_batch")):
        data = np.full((20, 3072), i, np.uint8)
        data[:, 1024:2048] = 200
        md5 = write(file, {"data": data, "labels": [0, 1] * 10})
        lists["test_list" if file == "test_batch" else "train_list"].append([file, md5])
    meta = write("batches.meta", {"label_names": ["truck", "airplane"]})
    for name, value in lists.items():
        monkeypatch.setattr(data_set, name, value)
    meta_entry = {"filename": "batches.meta", "key": "label_names", "md5": meta}
    monkeypatch.setattr(data_set, "meta", meta_entry)
    return folder


def test_torchvisions_cifar_is_read_only_as_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_set = import_torchvision().datasets.CIFAR10
    folder = python_version(tmp_path, data_set, monkeypatch)
    raw = read_cifar("cifar10", CIFAR10, tmp_path)
    assert raw.samples.shape == (60, 3, 32, 32)
    assert [np.unique(plane).tolist() for plane in raw.samples[45]] == [[2], [200], [2]]
    assert raw.classes[raw.labels[:2]].tolist() == ["truck", "airplane"]
    assert raw.test_from == 40

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)

    (folder / "data_batch_2").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RequestError, match="is missing or is not the published one"):
        read_cifar("cifar10", CIFAR10, tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_tiny_imagenet(tmp_path: Path, miniatures, image_file) -> None:
    raw = SOURCES["tiny-imagenet"](miniatures["tiny-imagenet"](tmp_path))
    folder = tmp_path / "tiny-imagenet-200"
    assert raw.classes.tolist() == ["n01443537", "n02124075", "n04067472"]
    assert (raw.test_from, len(raw.labels)) == (60, 66)
    same = SOURCES["tiny-imagenet"](folder)  # the folder itself may be named
    assert same.samples == raw.samples
    for path, label in zip(raw.samples[60:], raw.labels[60:], strict=True):
        wnid = raw.classes[label]
        assert f"{path.name}\t{wnid}\t" in (folder / "val" / "val_annotations.txt").read_text()
    with (folder / "val" / "val_annotations.txt").open("a") as file:
        file.write("val_77.JPEG\tn02124075\t0\t0\t9\t9\n")
    with pytest.raises(RequestError, match=r"val_annotations\.txt line 7: no image 'val_77"):
        SOURCES["tiny-imagenet"](tmp_path)
