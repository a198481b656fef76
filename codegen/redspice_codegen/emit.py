"""Model → texts: a backend gives a dict of file name → text. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from redspice_codegen import model
from redspice_codegen.backends import construct, docs, json, wireshark
from redspice_codegen.backends.python import PythonBackend

Backend = Callable[[model.Protocol, str], dict[str, str]]


def _python(protocol: model.Protocol, source: str) -> dict[str, str]:
    return PythonBackend(protocol, source).files()


#: Every backend by the name that the command line gives it.
BACKENDS: Mapping[str, Backend] = {
    "construct": construct.files,
    "docs": docs.files,
    "json": json.files,
    "python": _python,
    "wireshark": wireshark.files,
}


def emit(protocol: model.Protocol, source: str, backend: str = "python") -> dict[str, str]:
    """The files of a backend; `source` is how they call the spec."""
    return BACKENDS[backend](protocol, source)
