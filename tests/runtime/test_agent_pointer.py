"""The pointer as the agent is told of it."""

from __future__ import annotations

from redspice.agent.bodies import MouseState
from redspice.agent.pointer import MAX_WAITING, AgentTablet
from redspice_protocol.enums import MouseButtonMask

LEFT, RIGHT = MouseButtonMask.LEFT, MouseButtonMask.RIGHT


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
