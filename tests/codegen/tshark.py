"""tshark as the tests use it: runs a dissector over a capture and gives what it shows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds after which tshark hangs; the longest capture of the tests takes a tenth of that.
PATIENCE = 120.0

#: So is called what follows an item that has rows below it.
_TREE = "_tree"


@dataclass
class Piece:
    """A message, or a part of the link stage: its rows in order, by the full names of the fields.

    A row without value (a struct) is "". Rows below flags and expert infos are in `marks`.
    """

    rows: list[tuple[str, str]] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return dict(self.rows)[name]

    def get(self, name: str, absent: str) -> str:
        return dict(self.rows).get(name, absent)

    def __contains__(self, name: str) -> bool:
        return name in dict(self.rows)

    @property
    def malformed(self) -> bool:
        return any("malformed" in name for name, _ in self.marks)


def run(script: Path, capture: Path, *arguments: str) -> str:
    """The output of tshark, in which the dissector that it has itself is off."""
    home = {"HOME": str(capture.parent), "PATH": "/usr/bin:/bin:/usr/sbin"}
    command = ["tshark", "-r", str(capture), "-X", f"lua_script:{script}", "--disable-protocol"]
    done = subprocess.run(
        [*command, "spice", *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env=home,
    )
    assert "Lua" not in done.stderr, done.stderr
    assert "Lua Error" not in done.stdout
    return done.stdout


def pieces(script: Path, capture: Path, *arguments: str) -> list[Piece]:
    """Everything that the dissector shows, in the order of the capture."""
    text = run(script, capture, *arguments, "-T", "json", "-J", "redspice")
    found = []
    for frame in json.loads(text, object_pairs_hook=list):
        layers = dict(dict(frame)["_source"])["layers"]
        for name, content in layers:
            if name == "redspice":
                piece = Piece()
                _collect(content, piece.rows, piece)
                found.append(piece)
            else:
                assert not name.startswith("_ws.malformed"), f"an exception in {layers}"
    return found


def _collect(content: object, rows: list[tuple[str, str]], piece: Piece) -> None:
    for name, value in _pairs(content):
        if isinstance(value, str):
            rows.append((name, value))
        elif name.endswith(_TREE) or name.startswith("_ws"):
            _collect(value, piece.marks, piece)
        else:
            rows.append((name, ""))
            _collect(value, rows, piece)


def _pairs(content: object) -> Iterator[tuple[str, object]]:
    if isinstance(content, list):
        yield from content
