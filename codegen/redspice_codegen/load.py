"""From the path of a spec to its model."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from redspice_codegen import model
from redspice_codegen.errors import Source
from redspice_codegen.parse import parse
from redspice_codegen.resolve import resolve


def load(path: Path, defines: Set[str] = frozenset()) -> model.Protocol:
    """Read, parse and resolve a spec; `defines` are the names that `@ifdef` asks for.

    Raises SpecError for a fault in it, OSError or UnicodeDecodeError where it cannot be read.
    """
    source = Source(str(path), path.read_text(encoding="utf-8"))
    return resolve(parse(source), source, defines)
