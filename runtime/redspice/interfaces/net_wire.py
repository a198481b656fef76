"""A virtual network through which programs behind the server reach services near the viewer.

The reference server dropped it, and viewers of today do not offer its channel, the tunnel. The
channel registers and links; what it carries comes later.
"""

from __future__ import annotations

from redspice.interfaces.base import Interface


class NetWireInterface(Interface):
    """The embedder's end of the wire; becomes a tunnel channel."""
