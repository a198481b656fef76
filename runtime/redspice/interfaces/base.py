"""What all interfaces have in common: a type, and the version of it that the server speaks.

An embedder that needs something newer than an old server has says so in `wants`, and is refused
when it registers instead of being surprised later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from redspice.errors import InterfaceVersionError


class Version(NamedTuple):
    """A minor one adds, a major one changes."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


VERSIONS: Mapping[str, Version] = {
    "core": Version(1, 3),
    "qxl": Version(3, 3),
    "keyboard": Version(1, 1),
    "mouse": Version(1, 1),
    "tablet": Version(1, 1),
    "playback": Version(1, 3),
    "record": Version(2, 3),
    "char_device": Version(1, 3),
    "net_wire": Version(1, 1),
    "migration": Version(1, 1),
}
"""The types of interfaces and their versions, which count as the reference server's do."""


class Interface:
    """What `RedsState.add_interface` takes."""

    wants: ClassVar[Mapping[str, tuple[int, int]]] = {}
    """The versions that the embedder was written for, by type: `{"qxl": (3, 3)}`."""


def check_version(instance: object, type: str) -> None:
    """Raises `InterfaceVersionError` if `instance` wants another version of `type`."""
    wants = getattr(instance, "wants", {}).get(type)
    if wants is None:
        return
    wanted, ours = Version(*wants), VERSIONS[type]
    if wanted.major != ours.major or wanted.minor > ours.minor:
        raise InterfaceVersionError(f"interface {type} {wanted} is wanted, this is {ours}")
