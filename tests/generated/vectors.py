"""Message vectors: fields and the bytes of a body, and the one checker that runs them."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

DIRECTORY = Path(__file__).parent.parent / "vectors" / "messages"

#: Bodies up to this size are cut at every byte, larger ones at every 7th: the run stays short.
CUT_EVERYWHERE = 200


@dataclass(frozen=True)
class Vector:
    """`fields` are None where C refused the body, or read beyond it, which must be refused too.

    `trailing` follows what the fields describe.
    """

    channel: str
    direction: str
    id: int
    name: str | None
    case: str
    body: bytes
    fields: dict[str, Any] | None
    trailing: bytes

    def __str__(self) -> str:
        return f"{self.channel} {self.direction} {self.name}: {self.case}"

    def type(self, package: ModuleType) -> Any:
        """The MessageType of the generated package; None for an id that it does not know."""
        channel = package.CHANNELS.get(self.channel) or next(iter(package.CHANNELS.values()))
        return getattr(channel, self.direction).by_id.get(self.id)


def files(directory: Path = DIRECTORY, *, negative: bool = False) -> list[Path]:
    """The files of positive or of negative vectors, one for each channel and direction."""
    found = [*directory.glob("*.jsonl"), *directory.glob("*.jsonl.xz")]
    return sorted(p for p in found if ("negative" in p.name) == negative)


def read(path: Path) -> Iterator[Vector]:
    content = path.read_bytes()
    text = lzma.decompress(content) if path.suffix == ".xz" else content
    for line in text.decode().splitlines():
        record = json.loads(line)
        accepted = record.get("c_accepts", True) and not record.get("c_crash")
        yield Vector(
            channel=record["channel"],
            direction=record["direction"],
            id=record["id"],
            name=record["message"],
            case=record["case"],
            body=bytes.fromhex(record["hex"]),
            fields=_unhex(record["fields"]) if accepted else None,
            trailing=_unhex(record.get("trailing", "hex:")),
        )


def _unhex(value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("hex:"))
    if isinstance(value, list):
        return [_unhex(each) for each in value]
    if isinstance(value, dict):
        return {name: _unhex(each) for name, each in value.items()}
    return value


def check(vector: Vector, package: ModuleType) -> None:
    """Decode, encode, both through plain dicts, and from every truncation."""
    message = vector.type(package)
    assert message.name == vector.name
    decoded = message.demarshal(vector.body)
    assert package.to_builtins(decoded) == vector.fields, str(vector)
    assert message.marshal(decoded) + vector.trailing == vector.body, str(vector)
    parts = message.marshal_parts(decoded)
    assert b"".join(parts) + vector.trailing == vector.body, str(vector)
    rebuilt = package.from_builtins(message, vector.fields)
    assert rebuilt == decoded, str(vector)
    assert message.marshal(rebuilt) + vector.trailing == vector.body, str(vector)
    step = 1 if len(vector.body) <= CUT_EVERYWHERE else 7
    for end in range(0, len(vector.body), step):
        _check_truncated(vector, package, end)


def _check_truncated(vector: Vector, package: ModuleType, end: int) -> None:
    """A body cut short is refused with the place, or it is a whole message with less payload."""
    error = refusal(package, vector.type(package), vector.body[:end])
    if error is not None:
        assert error.path
        assert str(error).startswith(error.path)
        assert error.offset is None or error.wanted is None or error.offset + error.wanted > end


def check_negative(vector: Vector, package: ModuleType) -> None:
    """The verdict of C on a mutated body, and its fields where it accepts."""
    message = vector.type(package)
    if message is None:
        assert vector.fields is None, f"{vector}: C knows this message"
    elif vector.fields is None:
        assert refusal(package, message, vector.body) is not None, f"{vector}: C refuses it"
    else:
        decoded = message.demarshal(vector.body)
        assert package.to_builtins(decoded) == vector.fields, str(vector)


def refusal(package: ModuleType, message: Any, body: bytes) -> Any:
    """The WireError for a body, or None; anything else that is raised is a fault."""
    try:
        message.demarshal(body)
    except package.WireError as error:
        return error
    return None
