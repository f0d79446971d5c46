"""Protocol Buffers' wire format, as far as an ONNX file is looked at before it runs.

Reading needs no generated classes: a message is a row of (field, value), a message within it a
run of bytes. ``onnx`` itself is no requirement of predicting.
"""

from __future__ import annotations

from collections.abc import Iterator

MOST_FIELDS = 2**22
"""Fields of one message; more of them take Python seconds."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields_of(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field of a message, in order.

    A field may stand there several times: who merges messages takes all of them, so look at all.

    Raises
    ------
    ValueError
        If these bytes are no message.

    >>> list(fields_of(memoryview(bytes([8, 5]))))
    [(1, 5)]
    """
    at, count = 0, 0
    while at < len(message):
        tag, at = varint(message, at)
        count += 1
        if count > MOST_FIELDS:
            raise ValueError(f"more than {MOST_FIELDS} fields")
        kind = tag & 7
        if kind == _VARINT:
            value, at = varint(message, at)
            yield tag >> 3, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, at = varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError(f"a field of kind {kind} that does not end")
        yield tag >> 3, message[at : at + size]
        at += size


def within(message: memoryview, *path: int) -> Iterator[memoryview]:
    """Yield every message or text that fields of these numbers lead to, one in the other."""
    for number, value in fields_of(message):
        if number == path[0] and isinstance(value, memoryview):
            if len(path) == 1:
                yield value
            else:
                yield from within(value, *path[1:])


def texts(message: memoryview, *path: int) -> list[str]:
    """Return every text that fields of these numbers lead to."""
    return [bytes(value).decode(errors="replace") for value in within(message, *path)]


def field(number: int, payload: bytes) -> bytes:
    """Return a length-delimited field: tag, length as a varint, payload."""
    length, rest = bytearray(), len(payload)
    while rest >= 0x80:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2]) + bytes([*length, rest]) + payload


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number that does not end")
