"""Reads the message vectors: one record a message body."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redspice_protocol import CHANNELS, MessageType

DIRECTORY = Path(__file__).parent.parent / "vectors" / "messages"


@dataclass(frozen=True)
class Vector:
    """`fields` are None where C refused the body; `trailing` follows what the fields describe."""

    channel: str
    direction: str
    id: int
    name: str | None
    case: str
    body: bytes
    fields: dict[str, Any] | None
    trailing: bytes

    @property
    def type(self) -> MessageType:
        return getattr(CHANNELS[self.channel], self.direction).by_id[self.id]

    @property
    def known(self) -> bool:
        return self.id in getattr(CHANNELS[self.channel], self.direction).by_id

    def __str__(self) -> str:
        return f"{self.channel} {self.direction} {self.name}: {self.case}"


def files(negative: bool = False) -> list[Path]:
    """The files of positive or of negative vectors, one for each channel and direction."""
    return sorted(p for p in DIRECTORY.glob("*.jsonl.xz") if ("negative" in p.name) == negative)


def read(path: Path) -> Iterator[Vector]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            accepted = record.get("c_accepts", True)
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
