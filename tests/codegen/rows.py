"""Compares what tshark shows of a message with the fields of a vector, row by row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from codegen.tshark import Piece
from generated.vectors import Vector

#: Fields without bytes: the vectors have a number for them, the dissector a row without value.
DESCRIPTORS = ("drm_dma_buf_fd",)

_OFFSET = "-offset"


def check_fields(piece: Piece, vector: Vector, ignored: Collection[str] = ()) -> None:
    """The same paths in the same order, with the same values."""
    assert vector.name is not None
    assert vector.fields is not None
    wanted = list(_expected(vector.fields))
    shown = list(_shown(piece, vector.name, ignored))
    assert [path for path, _ in shown] == [path for path, _ in wanted], str(vector)
    for (path, value), (_, text) in zip(wanted, shown, strict=True):
        assert same(value, text), f"{vector}: {path} is {text}, not {value!r}"


def same(wanted: Any, text: str | None) -> bool:
    """Whether tshark's text is for that number, these bytes, a struct ("") or nothing (None)."""
    if isinstance(wanted, int):
        return bool(text) and int(str(text), 0) == wanted
    if isinstance(wanted, bytes):
        return text is not None and bytes.fromhex(text.replace(":", "")) == wanted
    return bool(wanted == text)


def _expected(fields: dict[str, Any], container: str = "") -> Iterator[tuple[str, Any]]:
    """A struct has a row of its own, an array one for each element."""
    for name, value in fields.items():
        path = f"{container}{name}"
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, dict):
                yield path, ""
                yield from _expected(element, f"{path}.")
            else:
                yield path, "" if name in DESCRIPTORS else element


def _shown(piece: Piece, name: str, ignored: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """The rows of the message's fields; a null pointer whose target is not shown has None."""
    null: str | None = None
    for full_name, value in piece.rows:
        word, _, path = full_name.removeprefix("redspice.").partition(f".{name}.")
        if not path or "." in word or path in ignored:
            continue
        if null is not None and null != path:
            yield null, None
        null = None
        if not path.endswith(_OFFSET):
            yield path, value
        elif value == "0":
            null = path.removesuffix(_OFFSET)
    if null is not None:
        yield null, None
