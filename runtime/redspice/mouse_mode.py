"""Who moves the pointer: the server (relative motion) or the client (absolute positions).

Client mode needs a tablet, and exactly one display so that a position means one place. It is chosen
as soon as it is allowed, because a pointer that the viewer draws itself does not lag; a viewer may
ask for server mode, and for client mode while it is allowed.
"""

from __future__ import annotations

from redspice_protocol.enums import MouseMode


class MouseModes:
    """The modes that are possible and the one that is on."""

    def __init__(self) -> None:
        self.supported = MouseMode.SERVER
        self.current = MouseMode.SERVER

    def update(self, has_tablet: bool, displays: int) -> bool:
        """Follow a change of devices; true if the modes changed."""
        client_allowed = has_tablet and displays == 1
        if client_allowed == (MouseMode.CLIENT in self.supported):
            return False
        if client_allowed:
            self.supported = MouseMode.SERVER | MouseMode.CLIENT
            self.current = MouseMode.CLIENT
        else:
            self.supported = self.current = MouseMode.SERVER
        return True

    def request(self, mode: int) -> bool:
        """A viewer wants `mode`; true if that changed the current one."""
        if mode not in (MouseMode.SERVER, MouseMode.CLIENT) or not mode & self.supported:
            return False
        changed = mode != self.current
        self.current = MouseMode(mode)
        return changed
