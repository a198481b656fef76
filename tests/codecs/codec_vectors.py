"""Codec vectors: encoded images, and the pixels that the reference decoders make of them."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent.parent / "vectors" / "codecs"


@dataclass(frozen=True)
class Output:
    """Pixels as a reference decoder left them: rows of `stride` bytes in the vector's order."""

    format: str
    stride: int
    path: Path

    def pixels(self) -> bytes:
        return lzma.decompress(self.path.read_bytes())


@dataclass(frozen=True)
class Vector:
    """One entry of the index; `fields` has all its keys."""

    directory: Path
    fields: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.fields['codec']}/{self.fields['name']}"

    def __getitem__(self, key: str) -> Any:
        return self.fields[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.fields.get(key, default)

    @property
    def stream(self) -> bytes:
        """The encoded bytes: of one image, or of all the images of a sequence."""
        return unpacked(self.directory / self["bin"])

    @property
    def outputs(self) -> list[Output]:
        return [
            Output(each["format"], each["stride"], self.directory / each["file"])
            for each in self["outputs"]
        ]


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def read(directory: Path, codec: str) -> list[Vector]:
    """The vectors of one codec (`quic`, `lz`, `glz`, `image`, `zlib_glz`)."""
    index = next(p for name in ("index.json", "index.json.xz") if (p := directory / name).exists())
    entries = json.loads(unpacked(index))
    return [Vector(directory, entry) for entry in entries if entry["codec"] == codec]
