"""Specs for the tests: parsed and resolved from text."""

from __future__ import annotations

from pathlib import Path

from redspice_codegen import model
from redspice_codegen.emit import emit
from redspice_codegen.errors import Source
from redspice_codegen.parse import parse
from redspice_codegen.resolve import resolve

ROOT = Path(__file__).parent.parent.parent


def resolved(text: str, name: str = "test.proto") -> model.Protocol:
    source = Source(name, text)
    return resolve(parse(source), source)


def spice() -> model.Protocol:
    return resolved((ROOT / "spice.proto").read_text(encoding="utf-8"), "spice.proto")


def generated(text: str) -> dict[str, str]:
    """The files that the Python backend makes of a spec."""
    return emit(resolved(text), "test.proto")
