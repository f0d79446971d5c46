"""Artefacts and input files that do harm, a generator for each kind of harm."""

from __future__ import annotations

import copy
import os
import random
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

import hostile
import numpy as np
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save

from ensemble.onnx.runtime import _split
from ensemble.storage.sealed import unseal

NODE = helper.make_node
VALUES: tuple[Any, ...] = (
    None, -1, 0, 2**31, 2**63 - 1, 2**64, 1e308, -0.5, True, "", "x" * 20_000, "\x1b[2J\x9b31m",
    "../../etc/passwd", "/dev/zero", "os:system", "pickle:loads", [], {}, [[]], [2**24] * 3,
    ["a"] * 5000, {"__class__": "x"}, "\u202e",
)  # fmt: skip
Make = Callable[[Path], Path]


def paths_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value of a JSON object stands."""
    if at:
        yield at
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value[:3])
        if isinstance(value, list) else ()
    ):  # fmt: skip
        yield from paths_in(inner, (*at, key))


def manifests(rng: random.Random, count: int) -> Iterator[tuple[str, Make]]:
    """Yield folders one of whose values is another."""
    content = unseal((hostile.KEPT / "team" / "ensemble.json").read_bytes(), "kept")
    places = list(paths_in(content))
    for _ in range(count):
        where, value = rng.choice(places), copy.deepcopy(rng.choice(VALUES))

        def change(content: dict[str, Any], where: Any = where, value: Any = value) -> None:
            inner: Any = content
            for key in where[:-1]:
                inner = inner[key]
            inner[where[-1]] = value

        yield f"manifest: {'.'.join(map(str, where))}", lambda p, c=change: hostile.folder(p, c)


def files() -> Iterator[tuple[str, Make]]:
    """Yield folders in which something is no ordinary file, or a very large one."""
    for name in ("ensemble.json", "member-0.safetensors", "member-2.safetensors"):
        for kind in ("link", "pipe", "device", "folder", "sparse", "empty", "absolute"):

            def make(place: Path, name: str = name, kind: str = kind) -> Path:
                hostile.folder(place)
                file = place / name
                if kind in ("sparse", "empty"):
                    os.truncate(file, 2**36 if kind == "sparse" else 0)
                    return place
                outside = place.parent / "outside"
                file.rename(outside)
                match kind:
                    case "link":
                        file.symlink_to(outside)
                    case "absolute":
                        file.symlink_to("/etc/passwd")
                    case "pipe":
                        os.mkfifo(file)
                    case "device":
                        file.symlink_to("/dev/zero")
                    case "folder":
                        file.mkdir()
                return place

            yield f"file: {kind} {name}", make


def texts() -> Iterator[tuple[str, Make]]:
    """Yield manifests that are JSON of the wrong size or depth."""
    for text in (
        b"[" * 20_000_000, b"[" * 4_000_000, b'{"a":' * 800_000, b"[" + b"{}," * 1_300_000 + b"{}]",
        b'{"a": ' + b"9" * 4_000_000 + b"}", b'{"a": "' + b"\\u0000" * 600_000 + b'"}',
        b"\xff" * 99,
        b'{"checksum": "\\ud800"}', b"null", b"", b'{"a": 1, "a": 2}', b'{"a": NaN}',
        b'{"classes": [' + b'"x",' * 900_000 + b'"x"]}',
    ):  # fmt: skip

        def make(place: Path, text: bytes = text) -> Path:
            (hostile.folder(place) / "ensemble.json").write_bytes(text)
            return place

        yield "manifest: JSON of the wrong size or depth", make


def weights(rng: random.Random, count: int) -> Iterator[tuple[str, Make]]:
    """Yield folders whose weights lie."""
    for number in range(count):
        index = number % 3
        state = load_file(hostile.KEPT / "team" / f"member-{index}.safetensors")
        name = rng.choice(sorted(state))
        data = save(state)
        match number % 9:
            case 0:
                data = struct.pack("<Q", rng.choice([0, 1, 2**20, 2**32, 2**63])) + data[8:]
            case 1:
                data = data[: rng.randrange(len(data))]
            case 2:
                data = save(state | {name: state[name] * 0 + rng.choice([3e38, -3e38])})
            case 3:
                data = save(state | {name: state[name] * float("nan")})
            case 4:
                data = save(state | {name: state[name].double()})
            case 5:
                data = save(state | {"__reduce__": torch.zeros(4)})
            case 6:
                data = save(state | {name: torch.zeros(1)})
            case 7:
                data = (
                    data[:8]
                    + bytes(b ^ rng.choice([0, 0, 0, 255]) for b in data[8:200])
                    + data[200:]
                )
            case 8:
                data = b"\x80\x04cos\nsystem\n(S'touch ran'\ntR."  # a pickle
        yield "weights", lambda p, d=data, i=index: hostile.with_weights(p, d, i)


def graphs(rng: random.Random, count: int) -> Iterator[tuple[str, Make]]:
    """Yield ONNX files that compute too much, without end, or what nobody asked for."""
    one = [
        NODE("ReduceMax", ["big"], ["h0"], keepdims=0),
        NODE("Unsqueeze", ["h0", "one"], ["hostile"]),
    ]
    made: list[bytes] = []
    for power in (26, 28, 30, 34, 40):
        side, whole = 2 ** (power // 2), 2**power
        half = {"shape": [side, side], "often": [whole], "row": [1, side], "by": [0, whole]}
        row = NODE("ConstantOfShape", ["row"], ["r"])
        programs = (
            [NODE("ConstantOfShape", ["shape"], ["big"])],
            [NODE("Expand", ["zero", "shape"], ["big"])],
            [NODE("Tile", ["zero", "often"], ["big"])],
            [NODE("Pad", ["zero", "by"], ["big"])],
            [row, NODE("Transpose", ["r"], ["c"]), NODE("Mul", ["r", "c"], ["big"])],
            [row, NODE("Transpose", ["r"], ["c"]), NODE("MatMul", ["c", "r"], ["big"])],
            [NODE("Identity", ["zero"], ["d0"]),
             *(NODE("Concat", [f"d{i}"] * 2, [f"d{i + 1}"], axis=0) for i in range(power)),
             NODE("Identity", [f"d{power}"], ["big"])],
            [row, NODE("Shape", ["r"], ["s"]), NODE("Mul", ["s", "s"], ["t"]),
             NODE("ConstantOfShape", ["t"], ["big"])],
        )  # fmt: skip
        made += [hostile.graph_of(*nodes, *one, numbers=half) for nodes in programs]
    names = """Loop If Scan RandomNormal RandomUniform SequenceEmpty Bernoulli StringNormalizer
               ImageDecoder NonZero Unique SequenceMap"""
    for operator in names.split():
        made.append(hostile.graph_of(NODE(operator, ["zero"], ["hostile"])))
        made.append(hostile.graph_of(NODE("Identity", ["zero"], ["hostile"], domain=operator)))
    for location in ("secret", "../secret", "/etc/passwd", "/dev/zero", ""):
        outside = TensorProto(name="hostile", data_type=1, dims=[1])
        outside.data_location = TensorProto.EXTERNAL
        outside.external_data.add(key="location", value=location)
        made.append(hostile.graph_of(initializers=[outside]))
    for answer in (float("nan"), float("inf"), 1e30, -1.0, 0.0, 0.5):
        wrong = helper.make_tensor("hostile", 1, [1], [1.0])
        graph = hostile.graph_of(initializers=[wrong])
        thirds = struct.pack("<f", np.float32(1 / 3)) * 3
        made.append(graph.replace(thirds, struct.pack("<f", answer) * 3))
    good = _split(hostile.KEPT / "team.onnx").graph
    while len(made) < count:
        data = bytearray(good)
        for _ in range(rng.choice([1, 3, 30])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        made.append(bytes(data[: rng.choice([len(data), rng.randrange(len(data))])]))
    for graph in made[:count]:
        yield "graph", lambda p, g=graph: hostile.onnx_file(p.with_suffix(".onnx"), g)


def inputs(count: int) -> Iterator[tuple[str, Make]]:
    """Yield input files that unpack to far more than they are, or never end."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def png(side: int, depth: int, colour: int) -> bytes:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0))
        body = zlib.compress(bytes(100_000), 9)
        return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")

    def webp(side: int) -> bytes:
        bits = (0x2F | (side - 1) << 8 | (side - 1) << 22).to_bytes(5, "little")
        body = b"VP8L" + struct.pack("<I", 6) + bits + b"\x88"
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

    made: list[tuple[str, bytes | None]] = []
    for side in (4000, 9400, 16000):
        bitmap = (60, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        made.append(("x.bmp", b"BM" + struct.pack("<IHHIIiiHHIIiiII", *bitmap)))
        made.append(("x.webp", webp(side)))
        made += [
            ("x.png", png(side, depth, colour))
            for depth, colour in ((8, 2), (8, 6), (16, 6), (1, 0))
        ]
        screen = struct.pack("<HHBBB", side, side, 0, 0, 0)
        frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0)
        made.append(("x.gif", b"GIF89a" + screen + frame + b"\x02\x02L\x01\x00;"))
        made.append(("x.ppm", b"P6 %d %d 255\n" % (side, side)))
        made.append(("x.pgm", b"P5 %d %d 65535\n" % (side, side)))
    header = b"\x93NUMPY\x01\x00"
    for shape in (
        "(10000000000, 3, 16, 16)",
        "(99999999999999999999,)",
        "(-1, 3, 16, 16)",
        "(",
        "()",
    ):
        told = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
        made.append(("x.npy", header + struct.pack("<H", len(told)) + told.encode()))
    made += [(f"{kind}.{end}", None) for kind in ("pipe", "device", "bomb", "many", "wide")
             for end in ("npz", "npy", "png")]  # fmt: skip
    for name, data in (made * 3)[:count]:

        def make(place: Path, name: str = name, data: bytes | None = data) -> Path:
            place.mkdir()
            path = place / name
            if data is not None:
                path.write_bytes(data)
            elif name.startswith("pipe"):
                os.mkfifo(path)
            elif name.startswith("device"):
                path.symlink_to("/dev/zero")
            elif name.startswith("bomb"):
                np.savez_compressed(
                    path.with_suffix(".npz"), X=np.zeros((2**18, *hostile.SAMPLE), np.uint8)
                )
                path.with_suffix(".npz").rename(path)
            elif name.startswith("wide"):
                np.savez_compressed(path.with_suffix(".npz"), X=np.zeros((1, 2**28), np.uint8))
                path.with_suffix(".npz").rename(path)
            else:
                np.savez_compressed(
                    path.with_suffix(".npz"),
                    **{f"a{i}": np.zeros(9) for i in range(3000)},  # type: ignore[arg-type]
                )
                path.with_suffix(".npz").rename(path)
            return path

        yield f"input: {name}", make
