"""``ensemble serve``: its limits from the command line, and who can reach it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from pipeline_support import tiny_config, write_images

from ensemble.web.limits import Limits
from pipelines.build.story import build
from pipelines.commands.cli import run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("served")
    return str(build(tiny_config(write_images(folder / "tiny.npz")), out=folder / "run").path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = []

    def serve(model: object, *, ready: Callable[[str], None], **options: object) -> None:
        ready("http://there:1")
        calls.append(options)

    monkeypatch.setattr("ensemble.web.app.serve", serve)
    return calls


def test_limits_come_from_the_command_line(
    source: str, served: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--max-upload", "1000", "--max-pixels", "50", "--max-samples", "2",
             "--max-requests", "3", "--timeout", "1.5", "--port", "8123"]  # fmt: skip
    assert run(["serve", source, *words]) == 0
    assert served == [
        {"host": "127.0.0.1", "port": 8123, "limits": Limits(1000, 50, 2, 3, 1.5), "token": None}
    ]  # fmt: skip
    out, err = capsys.readouterr()
    assert out == "http://there:1  (Ctrl-C stops)\n"
    assert err == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "my.machine"])
def test_a_host_others_can_reach_is_warned_of_in_a_line(
    host: str, source: str, served: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", source, "--host", host]) == 0
    assert served[0]["limits"] == Limits()
    err = capsys.readouterr().err
    assert f"--host {host} opens this to the network, without encryption" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-upload", "0"], "--max-upload 0: allowed 1 and more"),
        (["--timeout", "-1"], "--timeout -1.0: allowed more than 0"),
        (["--max-pixels", "many"], "Invalid value for '--max-pixels'"),
        (["--port", "99999"], "Invalid value for '--port'"),
    ],
)
def test_a_wrong_limit_is_one_line_and_exit_2(
    options: list[str], message: str, source: str, served: list[dict[str, object]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(["serve", source, *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not served


def test_an_address_that_cannot_be_taken_is_one_line_and_exit_2(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["serve", source, "--port", port]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"--host 127.0.0.1, --port {port} cannot be listened on: address already in use" in err
    assert err.count("\n") == 1


def test_the_address_is_told_when_it_is_taken(
    source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ports: list[int] = []

    def run_server(self: object, sockets: list[socket.socket]) -> None:
        ports.append(sockets[0].getsockname()[1])

    monkeypatch.setattr("uvicorn.Server.run", run_server)
    assert run(["serve", source, "--port", "0"]) == 0
    assert capsys.readouterr().out == f"http://127.0.0.1:{ports[0]}  (Ctrl-C stops)\n"
    assert ports[0] > 0
