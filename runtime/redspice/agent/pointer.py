"""The pointer as the agent moves it: a tablet whose positions become MOUSE_STATE messages.

A state tells all, so of those that wait for the agent only the last with the same buttons counts.
What is pressed and released between them is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from redspice.agent.bodies import MouseState
from redspice.interfaces import TabletInterface
from redspice_protocol.enums import MouseButtonMask

# Changes of buttons that wait for an agent that does not read. What is older is of no use then.
MAX_WAITING = 64
WHEEL = {-1: MouseButtonMask.UP, 1: MouseButtonMask.DOWN}
UINT32 = 0xFFFFFFFF


class AgentTablet(TabletInterface):
    """Remembers what the agent is to be told; `due` is called when there is something."""

    def __init__(self, due: Callable[[], None]) -> None:
        self.display_id = 0
        """The display that the next position lies on."""
        self._due = due
        self._state = MouseState(0, 0, 0)
        self._waiting: deque[MouseState] = deque(maxlen=MAX_WAITING)

    def position(self, x: int, y: int, buttons: int) -> None:
        self._put(MouseState(x & UINT32, y & UINT32, agent_buttons(buttons), self.display_id))
        self._due()

    def buttons(self, buttons: int) -> None:
        self._press(buttons)
        self._due()

    def wheel(self, dz: int, buttons: int) -> None:
        """A turn of the wheel is a button that is pressed and released."""
        # Both wait before the agent is told of the first: should that be its end, the other is
        # forgotten too.
        self._press(buttons | WHEEL[dz])
        self._press(buttons)
        self._due()

    def next(self) -> MouseState | None:
        """The oldest state that the agent has not been told."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Nobody is to be told any more."""
        self._waiting.clear()

    def _press(self, buttons: int) -> None:
        last = self._state
        self._put(MouseState(last.x, last.y, agent_buttons(buttons), last.display_id))

    def _put(self, state: MouseState) -> None:
        if self._waiting and self._waiting[-1].buttons == state.buttons:
            self._waiting.pop()
        self._waiting.append(state)
        self._state = state


def agent_buttons(buttons: int) -> int:
    """The protocol's `MouseButtonMask` as the agent counts buttons, from bit 1."""
    return (buttons << 1) & UINT32
