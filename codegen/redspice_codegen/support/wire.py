"""What generated code stands on: errors and runs of fixed fields.

    WireError(ValueError)    bytes that are no such message, or a value that does not fit

The rules of the wire: little endian, packed, no padding; a pointer is a u32 offset from the first
byte of the body, 0 is none; payloads are slices of the body, never copies.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Buffer = bytes | bytearray | memoryview

#: What packing raises where a value does not fit: a number out of range, a missing arm, an array
#: for a number.
UNFIT = (struct.error, AttributeError, TypeError, ValueError, BufferError)

_T = TypeVar("_T")


class _New(Protocol):
    def __call__(self, type_: type[_T], /) -> _T: ...


#: An object whose attributes are still to come: what is unpacked goes straight into them, which
#: takes less time than a call of the class with it.
new: _New = object.__new__


class WireError(ValueError):
    """A body that cannot be demarshalled or an object that cannot be marshalled.

    `path` names the field (`display.draw_copy.data.src_bitmap`); `offset` counts bytes from the
    start of the body; `wanted` and `available` are sizes in bytes. They are None where they do not
    apply.
    """

    def __init__(
        self,
        path: str,
        reason: str,
        *,
        offset: int | None = None,
        wanted: int | None = None,
        available: int | None = None,
    ) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.offset = offset
        self.wanted = wanted
        self.available = available

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def within(self, container: str) -> WireError:
        """The same error, its path seen from the container of what was read."""
        self.path = f"{container}.{self.path}"
        return self


def truncated(path: str, offset: int, wanted: int, available: int) -> WireError:
    """Fewer bytes are left than the field takes."""
    available = max(available, 0)
    reason = f"wanted {wanted} bytes at offset {offset}, {available} available"
    return WireError(path, reason, offset=offset, wanted=wanted, available=available)


def bad_pointer(path: str, offset: int, available: int) -> WireError:
    """A pointer that leads outside the body."""
    reason = f"points to offset {offset} of a body of {available} bytes"
    return WireError(path, reason, offset=offset, wanted=offset + 1, available=available)


def null_pointer(path: str) -> WireError:
    return WireError(path, "must not be null")


def wrong_size(path: str, wanted: int, available: int) -> WireError:
    """An array whose length is not what other fields say."""
    reason = f"has {available} elements, {wanted} wanted"
    return WireError(path, reason, wanted=wanted, available=available)


class Run(struct.Struct):
    """Neighbouring fields of fixed size, read and written in one go.

    `names` are the fields' paths below `path`, one for each value of the format.
    """

    def __init__(self, format: str, path: str, names: str) -> None:
        super().__init__(format)
        self.path = path
        self.names = names.split()

    def short(self, at: int, stop: int) -> WireError:
        """The error for a run at offset `at` of a body that ends at `stop`: the first field cut."""
        offset = at
        for name, code in zip(self.names, self._codes(), strict=True):
            size = struct.calcsize("<" + code)
            if offset + size > stop:
                path = ".".join(part for part in (self.path, name) if part)
                return truncated(path, offset, size, stop - offset)
            offset += size
        return truncated(self.path, at, self.size, stop - at)

    def _codes(self) -> Iterator[str]:
        """The format, one code a value: `<2IB` gives I, I, B."""
        count = ""
        for char in self.format[1:]:
            if char.isdigit():
                count += char
            else:
                yield from char * int(count or 1)
                count = ""


def is_flat(payload: Buffer) -> bool:
    """Whether it is one piece of single bytes. Raises TypeError for what is no buffer."""
    view = memoryview(payload)
    return view.nbytes == len(payload) and view.c_contiguous


def check_flat(payload: Buffer) -> None:
    """Raise TypeError for what joining would refuse, or make longer than len() says."""
    if type(payload) is not bytes and not is_flat(payload):
        raise TypeError("not a flat buffer of bytes")


def array_length(array: Sequence[object] | Buffer | None, absent: int) -> int:
    """The number of elements; `absent` where there is no array."""
    return absent if array is None else len(array)


def read_integers(
    code: str, count: int, width: int, view: memoryview, at: int, stop: int, path: str
) -> list[int]:
    """`count` integers of `width` bytes at offset `at`."""
    size = count * width
    if stop - at < size:
        raise truncated(path, at, size, stop - at)
    return list(struct.unpack_from(f"<{count}{code}", view, at))


def unpack_integers(code: str, view: memoryview) -> list[int]:
    count = len(view) // struct.calcsize("<" + code)
    return list(struct.unpack(f"<{count}{code}", view))


def read_records(
    read: Callable[[memoryview, int, int], tuple[_T, int]],
    count: int,
    smallest: int,
    view: memoryview,
    at: int,
    stop: int,
    path: str,
) -> tuple[list[_T], int]:
    """`count` structs of at least `smallest` bytes from offset `at` on, and where they end."""
    if stop - at < count * smallest:
        raise truncated(path, at, count * smallest, stop - at)
    records: list[_T] = []
    try:
        for _ in range(count):
            record, at = read(view, at, stop)
            records.append(record)
    except WireError as error:
        raise error.within(f"{path}[{len(records)}]") from None
    return records, at


def read_cstring(view: memoryview, at: int, path: str) -> memoryview:
    """The bytes at offset `at` up to the NUL that must follow, without it."""
    if at >= len(view):
        raise bad_pointer(path, at, len(view))
    length = bytes(view[at:]).find(0)
    if length < 0:
        raise WireError(path, f"has no NUL from offset {at} on", offset=at)
    return view[at : at + length]


def pack_integers(code: str, values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


_OFFSET = struct.Struct("<I")


class Target:
    """What a pointer at offset `at` of `head` leads to, until it has a place."""

    __slots__ = ("at", "at_once", "head", "later", "parts", "size")

    def __init__(self, head: bytearray, at: int, later: list[Target], *, at_once: bool = False):
        later.append(self)
        self.head = head
        self.at = at
        self.at_once = at_once
        self.parts: list[Buffer] = []
        self.size = 0
        self.later: list[Target] = []


def settle(parts: list[Buffer], targets: list[Target], end: int) -> int:
    """Place targets from offset `end` on, what they point to behind them; returns the new end."""
    for target in targets:
        if target.size:
            _OFFSET.pack_into(target.head, target.at, end)
        parts += target.parts
        end += target.size
        if target.at_once:
            end = settle(parts, target.later, end)
    for target in targets:
        if not target.at_once:
            end = settle(parts, target.later, end)
    return end
