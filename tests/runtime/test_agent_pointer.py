"""The pointer as the agent moves it: what waits for it, and when it does."""

from __future__ import annotations

from redspice.agent.bodies import MouseState
from redspice.agent.capabilities import AgentCap
from redspice.agent.pointer import MAX_WAITING, AgentTablet
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import MouseInterface, QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice_protocol.enums import MouseButton, MouseButtonMask
from redspice_protocol.inputs import MsgcInputsMousePosition, MsgcInputsMousePress
from runtime.fake_agent import SERVER, AgentUser, FakeAgent, with_agent

LEFT, RIGHT = MouseButtonMask.LEFT, MouseButtonMask.RIGHT


# What it is told.


class Told:
    def __init__(self) -> None:
        self.due = 0
        self.tablet = AgentTablet(self._count)

    def _count(self) -> None:
        self.due += 1

    def states(self) -> list[MouseState]:
        states = []
        while (state := self.tablet.next()) is not None:
            states.append(state)
        return states


def test_buttons_are_counted_from_bit_one() -> None:
    told = Told()
    told.tablet.position(1, 2, LEFT)
    told.tablet.position(1, 2, RIGHT)
    told.tablet.position(1, 2, MouseButtonMask.EXTRA)
    assert [state.buttons for state in told.states()] == [1 << 1, 1 << 3, 1 << 7]


def test_a_position_lies_on_a_display() -> None:
    told = Told()
    told.tablet.display_id = 3
    told.tablet.position(10, 20, 0)
    assert told.states() == [MouseState(10, 20, 0, 3)]
    assert told.due == 1


def test_of_positions_that_wait_the_last_counts() -> None:
    told = Told()
    for x in range(1000):
        told.tablet.position(x, 0, 0)
    assert told.states() == [MouseState(999, 0, 0)]


def test_a_click_between_positions_is_kept() -> None:
    told = Told()
    told.tablet.position(1, 1, 0)
    told.tablet.buttons(LEFT)
    told.tablet.buttons(0)
    told.tablet.position(2, 2, 0)
    assert told.states() == [MouseState(1, 1, 0), MouseState(1, 1, 2), MouseState(2, 2, 0)]


def test_a_turn_of_the_wheel_is_pressed_and_released() -> None:
    told = Told()
    told.tablet.position(5, 6, LEFT)
    told.states()
    told.tablet.wheel(-1, LEFT)
    told.tablet.wheel(1, 0)
    buttons = [state.buttons for state in told.states()]
    assert buttons == [2 | 1 << 4, 2, 1 << 5, 0]


def test_an_agent_that_does_not_read_costs_little() -> None:
    told = Told()
    for _ in range(1000):
        told.tablet.wheel(1, 0)
    states = told.states()
    assert len(states) == MAX_WAITING
    assert states[-1].buttons == 0


def test_nothing_waits_after_a_clear() -> None:
    told = Told()
    told.tablet.position(1, 1, 0)
    told.tablet.clear()
    assert told.states() == []


# In a server.


def modes(reds: RedsState) -> tuple[int, int]:
    """Supported and current: 1 is the server's, 2 the viewer's."""
    return int(reds.mouse_modes.supported), int(reds.mouse_modes.current)


def test_an_agent_makes_the_viewer_move_the_pointer(reds: RedsState) -> None:
    user = AgentUser(reds)
    assert modes(reds) == (1, 1)
    agent = with_agent(reds)
    assert modes(reds) == (3, 2)
    assert "mouse_mode" in user.main.names()
    reds.remove_interface(agent)
    assert modes(reds) == (1, 1)


def test_an_agent_that_cannot_move_the_pointer_does_not(reds: RedsState) -> None:
    agent = with_agent(reds)
    agent.announce(AgentCap.REPLY)
    assert modes(reds) == (1, 1)
    agent.announce(AgentCap.MOUSE_STATE)
    assert modes(reds) == (3, 2)


def test_an_agent_that_may_not_move_the_pointer_does_not(reds: RedsState) -> None:
    with_agent(reds)
    reds.agent_mouse = False
    assert modes(reds) == (1, 1)
    reds.agent_mouse = True
    assert modes(reds) == (3, 2)


class Tablet(TabletInterface):
    def __init__(self) -> None:
        self.positions: list[tuple[int, int]] = []

    def position(self, x: int, y: int, buttons: int) -> None:
        self.positions.append((x, y))


def test_the_pointer_goes_to_the_agent_rather_than_to_a_tablet(reds: RedsState) -> None:
    tablet = Tablet()
    reds.add_interface(tablet)
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    agent = with_agent(reds)
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_position", MsgcInputsMousePosition(3, 4, 1, 2))
    assert agent.messages(SERVER) == [MouseState(3, 4, 2, 2)]
    inputs.send("mouse_press", MsgcInputsMousePress(4, 1))
    states = agent.messages(SERVER)
    assert states == [MouseState(3, 4, 2 | 1 << 4, 2), MouseState(3, 4, 2, 2)]
    assert tablet.positions == []
    reds.agent_mouse = False
    inputs.send("mouse_position", MsgcInputsMousePosition(5, 6, 0, 0))
    assert (agent.chunks(), tablet.positions) == ([], [(5, 6)])


def test_positions_do_not_pile_up_before_an_agent_that_does_not_read(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    inputs = AgentUser(reds).viewer.open("inputs")
    for x in range(1000):
        inputs.send("mouse_position", MsgcInputsMousePosition(x, 0, 0, 0))
    agent.room = 1 << 20
    agent.wakeup()
    assert agent.messages(SERVER) == [MouseState(0, 0, 0), MouseState(999, 0, 0)]


def test_clicks_come_in_their_order_to_an_agent_that_reads_late(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    inputs = AgentUser(reds).viewer.open("inputs")
    for x in range(1, 6):
        inputs.send("mouse_position", MsgcInputsMousePosition(x, 0, x % 2, 0))
    agent.room = 1 << 20
    agent.wakeup()
    assert agent.messages(SERVER) == [MouseState(x, 0, x % 2 * 2) for x in range(1, 6)]


def test_an_agent_may_be_removed_while_it_is_told_of_a_turn_of_the_wheel(reds: RedsState) -> None:
    class Leaving(FakeAgent):
        def write(self, data: memoryview) -> int:
            taken = super().write(data)
            reds.remove_interface(self)
            return taken

    agent = Leaving()
    reds.add_interface(agent)
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_press", MsgcInputsMousePress(MouseButton.UP, 0))
    assert agent.messages(SERVER) == [MouseState(0, 0, 2 << 3)]
    assert agent.states == [True, False]
    assert not inputs.connection.closed


def test_the_next_agent_hears_nothing_of_a_turn_of_the_wheel_that_another_was_told(
    reds: RedsState,
) -> None:
    class Leaving(FakeAgent):
        def write(self, data: memoryview) -> int:
            taken = super().write(data)
            reds.remove_interface(self)
            return taken

    reds.add_interface(Leaving())
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_press", MsgcInputsMousePress(MouseButton.UP, 0))
    agent = with_agent(reds)
    inputs.send("mouse_position", MsgcInputsMousePosition(7, 8, LEFT, 0))
    assert agent.messages(SERVER) == [MouseState(7, 8, 2)]


def test_an_agent_that_takes_the_place_of_another_hears_no_half_turn_of_the_wheel(
    reds: RedsState,
) -> None:
    second = FakeAgent()

    class Replaced(FakeAgent):
        def write(self, data: memoryview) -> int:
            taken = super().write(data)
            reds.remove_interface(self)
            reds.add_interface(second)
            return taken

    reds.add_interface(Replaced())
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_press", MsgcInputsMousePress(MouseButton.UP, 0))
    assert second.messages(SERVER) == []


def test_the_next_agent_hears_nothing_that_came_as_the_one_before_went(reds: RedsState) -> None:
    class Mouse(MouseInterface):
        def buttons(self, buttons: int) -> None:
            if not buttons:
                reds.remove_interface(first)

    reds.add_interface(Mouse())
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_press", MsgcInputsMousePress(MouseButton.LEFT, LEFT))
    first = with_agent(reds)
    inputs.send("mouse_position", MsgcInputsMousePosition(1, 2, 0, 0))
    assert first.messages(SERVER) == []
    second = with_agent(reds)
    inputs.send("mouse_position", MsgcInputsMousePosition(7, 8, LEFT, 0))
    assert second.messages(SERVER) == [MouseState(7, 8, 2)]
