"""A parsed body as rows of a table: bytes, hex, field, value. Knows nothing of specs or parsers.

Offsets count bytes from the start of the body; `4:8` are the bytes 4, 5, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol

#: Columns of the table; a value that does not fit is cut.
WIDTH = 100
#: What a value may take even where names and hex have taken the rest.
_LEAST_VALUE = 24
#: Bytes of a field that are shown in hex, numbers of an array, elements of an array of structs.
_HEX_BYTES = 8
_NUMBERS = 16
_ELEMENTS = 16
#: Printable text up to this length is shown whole.
_TEXT = 48

#: The name of the part that a pointer leads to, and the bytes of the pointer.
TARGET = "*"
_POINTER = 4


class Part(Protocol):
    """A member of the body: `end` is None where its parse failed."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int | None: ...
    @property
    def value(self) -> object: ...
    @property
    def parts(self) -> Sequence[Part]: ...
    @property
    def words(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, before it is aligned."""

    span: str
    hex: str
    name: str
    value: str


def rows(parts: Sequence[Part], body: bytes, depth: int = 0) -> Iterator[Row]:
    """The rows of some parts and all that is in them, in the order of the parse."""
    shown = len(parts) if not _is_elements(parts) else _ELEMENTS
    for part in parts[:shown]:
        yield from _part_rows(part, part.name, body, depth)
    if hidden := parts[shown:]:
        span = _span(hidden[0].start, hidden[-1].end)
        yield Row(span, "", "  " * depth + "…", f"{len(hidden)} more")
        if hidden[-1].end is None:  # where the parse failed
            yield from _part_rows(hidden[-1], hidden[-1].name, body, depth)


def _part_rows(part: Part, name: str, body: bytes, depth: int) -> Iterator[Row]:
    indented = "  " * depth + name
    inner = list(part.parts)
    if is_pointer(part):
        target = inner[0]
        end = part.start + _POINTER
        span, hexed = _span(part.start, end), _hex(body[part.start : end])
        yield Row(span, hexed, indented, f"-> {_span(target.start, target.end)}")
        yield from _part_rows(target, f"*{name}", body, depth + 1)
        return
    hexed = "" if inner or isinstance(part.value, dict) else _hex(body[part.start : part.end])
    yield Row(_span(part.start, part.end), hexed, indented, _value(part))
    yield from rows(inner, body, depth + 1)


def is_pointer(part: Part) -> bool:
    """Whether the part is an offset that leads somewhere."""
    return bool(part.parts) and part.parts[0].name == TARGET


def _is_elements(parts: Sequence[Part]) -> bool:
    return bool(parts) and parts[0].name.startswith("[")


def _span(start: int, end: int | None) -> str:
    return f"{start}:{'?' if end is None else end}"


def _hex(content: bytes) -> str:
    cut = " …" if len(content) > _HEX_BYTES else ""
    return content[:_HEX_BYTES].hex(" ") + cut


def _value(part: Part) -> str:
    if part.end is None:
        return "" if part.parts else "?"
    match part.value:
        case None:
            return "null"
        case int(number):
            return f"{number} {part.words}".rstrip()
        case bytes(content):
            return _octets(content)
        case list(elements):
            return _counted(elements, "element") if part.parts else _numbers(elements)
        case dict(fields):
            return "" if fields else "nothing"
        case _:
            return "ignored"


def _octets(content: bytes) -> str:
    """How many, and what they say where that is text; a NUL at the end may be."""
    text = content.removesuffix(b"\0")
    readable = 0 < len(text) <= _TEXT and all(0x20 <= byte < 0x7F for byte in text)
    shown = f' "{text.decode("ascii")}"' if readable else ""
    return _counted(content, "byte") + shown


def _numbers(elements: list[object]) -> str:
    shown = ", ".join(str(each) for each in elements[:_NUMBERS])
    more = ", …" if len(elements) > _NUMBERS else ""
    return f"{_counted(elements, 'number')}: {shown}{more}" if elements else "0 numbers"


def _counted(content: Sized, what: str) -> str:
    return f"{len(content)} {what}{'' if len(content) == 1 else 's'}"


def unowned(parts: Sequence[Part], size: int) -> list[tuple[int, int]]:
    """The bytes of a body that no part has: gaps, and what follows the last one."""
    gaps, at = [], 0
    for start, end in sorted([*_leaves(parts), (size, size)]):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    return gaps


def _leaves(parts: Sequence[Part]) -> Iterator[tuple[int, int]]:
    for part in parts:
        if is_pointer(part):
            yield part.start, part.start + _POINTER
        elif not part.parts and part.end is not None:
            yield part.start, part.end
        yield from _leaves(part.parts)


def unowned_rows(parts: Sequence[Part], body: bytes) -> Iterator[Row]:
    for start, end in unowned(parts, len(body)):
        what = "behind the last field" if end == len(body) else "a gap"
        yield Row(_span(start, end), _hex(body[start:end]), f"({what})", _octets(body[start:end]))


def table(lines: Sequence[Row]) -> str:
    """The rows under a heading, in columns."""
    every = [Row("bytes", "hex", "field", "value"), *lines]
    span, hexed, name = (
        max(len(getattr(row, column)) for row in every) for column in ("span", "hex", "name")
    )
    room = max(_LEAST_VALUE, WIDTH - span - hexed - name - 6)
    return "\n".join(
        f"{row.span:{span}}  {row.hex:{hexed}}  {row.name:{name}}  {_cut(row.value, room)}".rstrip()
        for row in every
    )


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def place(failed: Sequence[Part]) -> str:
    """The way to a part as one name: `data.src_bitmap.descriptor`, `channels[3].id`."""
    text = ""
    for part in failed:
        if part.name.startswith("["):
            text += part.name
        elif part.name != TARGET:
            text += f".{part.name}" if text else part.name
    return text
