"""Who moves the pointer: the server (relative motion) or the client (absolute positions).

Client mode needs a tablet, and exactly one display so that a position means one place; or an agent
that moves the pointer, which is told the display too. It is chosen as soon as it is allowed,
because a pointer that the viewer draws itself does not lag; a viewer may ask for server mode, and
for client mode while it is allowed. When that is over, as the tablet or the agent goes, it is
server mode again.
"""

from __future__ import annotations

from collections.abc import Callable

from redspice_protocol.enums import MouseMode


class MouseModes:
    """The modes that are possible and the one that is on."""

    def __init__(self) -> None:
        self.supported = MouseMode.SERVER
        self.current = MouseMode.SERVER
        self.listeners: list[Callable[[], None]] = []
        """Called after each change."""

    def update(
        self, has_tablet: bool, screens: int, has_agent: bool = False, displays: int | None = None
    ) -> bool:
        """Follow a change of devices; true if the modes changed.

        `screens` are those that an embedder registered, `displays` all display channels; None if
        there are no others.
        """
        one_display = screens == 1 and displays in (1, None)
        client_allowed = has_agent or (has_tablet and one_display)
        if client_allowed == (MouseMode.CLIENT in self.supported):
            return False
        if client_allowed:
            self.supported = MouseMode.SERVER | MouseMode.CLIENT
            self.current = MouseMode.CLIENT
        else:
            self.supported = self.current = MouseMode.SERVER
        self._changed()
        return True

    def request(self, mode: int) -> bool:
        """A viewer wants `mode`; true if that changed the current one."""
        if mode not in (MouseMode.SERVER, MouseMode.CLIENT) or not mode & self.supported:
            return False
        if mode == self.current:
            return False
        self.current = MouseMode(mode)
        self._changed()
        return True

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()
