from __future__ import annotations

import base64
import io
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import numpy as np
import pytest
from PIL import Image
from serving import running

from ensemble.model import Ensemble
from ensemble.web.limits import Limits
from pruning.core.errors import RequestError

AS_JSON = {"content-type": "application/json"}
LIMITS = Limits(upload_bytes=2_000_000, pixels=1_000_000, samples=5)


@pytest.fixture(scope="module")
def client(team: Ensemble) -> Iterator[httpx.Client]:
    with running(team, LIMITS) as found:
        yield found


def png(shape: tuple[int, ...] = (8, 8), seed: int = 0, kind: str = "png") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_uploads_and_base64_get_the_ensembles_answer(client: httpx.Client, team: Ensemble) -> None:
    files = [png(seed=1), png((30, 20, 3), 2), png((16, 16, 3), 3, "jpeg")]
    pictures = [Image.open(io.BytesIO(data)) for data in files]
    wanted, votes = team.predict_proba(pictures), team.predict_members(pictures)
    sent = [("image", (f"{i}.png", data)) for i, data in enumerate(files)]
    for answer in (
        client.post("/predict", files=sent),
        client.post("/predict", json={"images": [text(data) for data in files]}),
    ):
        assert answer.status_code == 200
        found = answer.json()["predictions"]
        assert [p["class"] for p in found] == wanted.argmax(1).tolist()
        got = [list(p["probabilities"].values()) for p in found]
        np.testing.assert_allclose(got, wanted, atol=1e-6)
        for i, prediction in enumerate(found):
            named = [vote["class"] for vote in prediction["members"].values()]
            assert named == votes[:, i].argmax(-1).tolist()


def test_arrays_get_the_ensembles_answer(
    client: httpx.Client, team: Ensemble, rows_team: Ensemble, images: Callable
) -> None:
    x = images(count=3)
    answer = client.post("/predict", json={"samples": x.tolist()}).json()["predictions"]
    assert [p["class"] for p in answer] == team.predict(x).tolist()
    rows = [[0.5, 1, -2, 3]]
    with running(rows_team, LIMITS) as other:
        answer = other.post("/predict", json={"samples": rows}).json()["predictions"]
        assert [p["class"] for p in answer] == rows_team.predict(rows).tolist()
        assert other.post("/predict", files={"image": png()}).status_code == 422


def test_health_tells_what_is_served_and_the_limits(client: httpx.Client) -> None:
    told = client.get("/health").json()
    assert told["status"] == "ok" and told["classes"] == list(range(10))
    assert told["limits"]["upload_bytes"] == 2_000_000


def test_the_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/")
    assert (
        page.status_code == 200 and "default-src 'self'" in page.headers["content-security-policy"]
    )
    for name in ("page.css", "page.js"):
        assert name in page.text and client.get(f"/{name}").status_code == 200
    assert "http:" not in page.text and "https:" not in page.text


def bomb() -> bytes:
    """A PNG of 40000×40000 black pixels, 4.8 GB in colour, in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000), 9)
    parts = (b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"files": {"image": b"no image"}}, "is not an image"),
        ({"files": {"image": b""}}, "is not an image"),
        ({"files": {"image": png((64, 64, 3), kind="jpeg")[:900]}}, "cannot be read"),
        ({"files": {"image": bomb()}}, "has more than 1000000 pixels"),
        ({"files": {"photo": png()}}, "send the files as 'image'"),
        ({"files": [("image", png())] * 6}, "Too many files"),
        ({"data": {"image": "text"}, "files": {"image": png()}}, "send the files as 'image'"),
        ({"json": {}}, "expected an object"),
        ({"json": []}, "expected an object"),
        ({"json": {"images": []}}, "1 to 5"),
        ({"json": {"images": ["a"] * 6}}, "1 to 5"),
        ({"json": {"images": [3]}}, "1 to 5"),
        ({"json": {"images": ["%%%"]}}, "base64"),
        ({"json": {"images": [text(b"x")], "samples": []}}, "expected an object"),
        ({"json": {"samples": []}}, "1 to 5"),
        ({"json": {"samples": [[1, 2], [3]]}}, "no array"),
        ({"files": {"image": png((1100, 1000))}}, "1000×1100 pixels; allowed are 1000000"),
        ({"json": {"samples": [None]}}, "expected"),
        ({"json": {"samples": [{}]}}, "expected"),
        ({"json": {"samples": ["/etc/passwd"]}}, "expected"),
        ({"json": {"samples": [[[300] * 8] * 8]}}, "0 to 255"),
        ({"json": {"samples": [[[0] * 8] * 8] * 6}}, "1 to 5"),
        ({"json": {"samples": [[[10**30] * 8] * 8]}}, "expected"),
        ({"json": {"samples": [[["a"] * 8] * 8]}}, "expected"),
        (
            {"content": b'{"samples": [NaN]}', "headers": AS_JSON},
            "NaN",
        ),
        ({"content": b"[" * 100_000, "headers": AS_JSON}, "JSON"),
        ({"content": b"\xff", "headers": AS_JSON}, "JSON"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "boundary"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    client: httpx.Client, body: dict, said: str
) -> None:
    answer = client.post("/predict", **body)
    assert answer.status_code in (400, 422), answer.text
    assert said in answer.json()["detail"] and "\n" not in answer.json()["detail"]


def test_another_content_type_is_refused(client: httpx.Client) -> None:
    assert client.post("/predict", content=b"x").status_code == 415
    as_png = {"content-type": "image/png"}
    assert client.post("/predict", content=b"x", headers=as_png).status_code == 415


def raw(client: httpx.Client, data: bytes = b"") -> socket.socket:
    """Return a connection on which `data` was sent."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=10)
    connection.sendall(data)
    return connection


def head(length: int) -> bytes:
    return (
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_too_large_is_refused_by_its_header_and_by_counting(client: httpx.Client) -> None:
    with raw(client, head(10**12)) as connection:
        assert b" 413 " in connection.recv(1000)
    sent = 0
    chunked = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with raw(client, chunked) as connection, suppress(OSError):
        while sent < 50_000_000:
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            sent += 0x10000
    assert sent < 20_000_000
    assert client.get("/health").status_code == 200


def test_who_trickles_is_closed_and_the_server_lives(team: Ensemble) -> None:
    with running(team, Limits(seconds=0.5)) as client:
        starts = (b"", b"POST /pre", head(1000), head(1000) + b'{"ima', head(5) + b"hello" + b"GET")
        connections = [raw(client, start) for start in starts]
        begun = time.monotonic()
        while time.monotonic() - begun < 1.5:
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(b"x")
            time.sleep(0.1)
        for connection, start in zip(connections, starts, strict=True):
            answer = b""
            with connection, suppress(ConnectionResetError):
                while data := connection.recv(65536):
                    answer += data
            if b"1000" in start:
                assert answer == b"" or b" 408 " in answer
        assert client.get("/health").status_code == 200


def test_beyond_the_limit_of_requests_there_is_only_503(team: Ensemble) -> None:
    with running(team, Limits(requests=2)) as client:
        with raw(client, head(100)), raw(client, head(100)):
            time.sleep(0.3)
            answer = client.get("/health")
            assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
        time.sleep(0.3)
        assert client.get("/health").status_code == 200


def test_requests_that_arrive_together_run_together(
    make_ensemble: Callable[..., Ensemble], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_ensemble()
    sizes: list[int] = []
    plain = model.predict_members

    def slow(samples: np.ndarray) -> np.ndarray:
        sizes.append(len(samples))
        time.sleep(0.2)
        return plain(samples)

    files = [png(seed=i) for i in range(12)]
    wanted = model.predict([Image.open(io.BytesIO(data)) for data in files]).tolist()
    monkeypatch.setattr(model, "predict_members", slow)
    with running(model, LIMITS) as client, ThreadPoolExecutor(12) as pool:
        sent = [pool.submit(client.post, "/predict", files={"image": data}) for data in files]
        found = [one.result().json()["predictions"][0]["class"] for one in sent]
    assert found == wanted
    assert sum(sizes) == 12 and len(sizes) < 6


def test_openapi_describes_both_kinds_of_body(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    kinds = set(described["requestBody"]["content"])
    assert kinds == {"multipart/form-data", "application/json"}
    assert {"200", "408", "413", "415", "422", "503"} <= set(described["responses"])


def test_limits_are_checked() -> None:
    with pytest.raises(RequestError, match="`requests` 0: allowed 1 and more"):
        Limits(requests=0)
