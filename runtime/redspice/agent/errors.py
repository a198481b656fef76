"""The error of this package; the package's docstring has its place in the tree."""

from __future__ import annotations

from redspice.errors import PeerError


class AgentError(PeerError):
    """An agent message that is not one."""
