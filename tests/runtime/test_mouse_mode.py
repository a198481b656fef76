"""The mouse modes: the rule alone, and what viewers hear of it."""

from __future__ import annotations

import pytest

from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface, TabletInterface
from redspice.mouse_mode import MouseModes
from redspice.reds import RedsState
from redspice_protocol.enums import MouseMode
from redspice_protocol.main import MsgcMainMouseModeRequest
from runtime.peer import Peer, Viewer

SERVER, CLIENT = MouseMode.SERVER, MouseMode.CLIENT
BOTH = SERVER | CLIENT


def modes(main: Peer) -> list[tuple[int, int]]:
    received = main.messages()
    assert {one.name for one in received} <= {"mouse_mode"}
    return [(one.message.supported_modes, one.message.current_mode) for one in received]


@pytest.mark.parametrize(
    ("tablet", "displays", "supported", "current"),
    [
        (False, 0, SERVER, SERVER),
        (False, 1, SERVER, SERVER),
        (True, 0, SERVER, SERVER),
        (True, 1, BOTH, CLIENT),
        (True, 2, SERVER, SERVER),
    ],
)
def test_client_mode_needs_a_tablet_and_one_display(
    tablet: bool, displays: int, supported: MouseMode, current: MouseMode
) -> None:
    mouse_modes = MouseModes()
    changed = mouse_modes.update(tablet, displays)
    assert changed is (supported == BOTH)
    assert (mouse_modes.supported, mouse_modes.current) == (supported, current)
    assert not mouse_modes.update(tablet, displays)


@pytest.mark.parametrize(
    ("tablet", "screens", "agent", "displays", "allowed"),
    [
        (True, 1, False, 2, False),
        (True, 1, False, 1, True),
        (False, 0, True, 0, True),
        (False, 2, True, 3, True),
        (True, 2, True, 2, True),
    ],
)
def test_an_agent_can_tell_displays_apart(
    tablet: bool, screens: int, agent: bool, displays: int, allowed: bool
) -> None:
    mouse_modes = MouseModes()
    mouse_modes.update(tablet, screens, agent, displays)
    assert mouse_modes.supported == (BOTH if allowed else SERVER)
    assert mouse_modes.current == (CLIENT if allowed else SERVER)


def test_listeners_hear_of_changes_alone() -> None:
    mouse_modes = MouseModes()
    heard: list[MouseMode] = []
    mouse_modes.listeners.append(lambda: heard.append(mouse_modes.current))
    mouse_modes.update(True, 1)
    mouse_modes.update(True, 1)
    mouse_modes.request(CLIENT)
    mouse_modes.request(SERVER)
    mouse_modes.request(4)
    mouse_modes.update(False, 1)
    assert heard == [CLIENT, SERVER, SERVER]


@pytest.mark.parametrize("mode", [0, 3, 4, 0xFFFF])
def test_a_request_for_no_single_mode_is_ignored(mode: int) -> None:
    mouse_modes = MouseModes()
    mouse_modes.update(True, 1)
    assert not mouse_modes.request(mode)
    assert mouse_modes.current == CLIENT


def test_viewers_hear_of_devices_that_come_and_go(reds: RedsState) -> None:
    main = Viewer(reds).main
    reds.add_interface(TabletInterface())
    assert modes(main) == []
    reds.add_interface(QxlInterface(Framebuffer(8, 8), id=0))
    assert modes(main) == [(BOTH, CLIENT)]
    reds.add_interface(QxlInterface(Framebuffer(8, 8), id=1))
    assert modes(main) == [(SERVER, SERVER)]
    display = reds.channels.find(2, 1)
    assert display is not None
    reds.unregister_channel(display)
    assert modes(main) == [(BOTH, CLIENT)]


def test_a_tablet_that_goes_takes_client_mode_along(reds: RedsState) -> None:
    tablet = TabletInterface()
    reds.add_interface(tablet)
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    main = Viewer(reds).main
    reds.remove_interface(tablet)
    assert modes(main) == [(SERVER, SERVER)]
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=CLIENT))
    assert modes(main) == []
    reds.add_interface(tablet)
    assert modes(main) == [(BOTH, CLIENT)]


@pytest.mark.parametrize("mode", [0, 3, 4, 0x8000])
def test_a_viewer_that_asks_for_an_impossible_mode_is_not_heard(reds: RedsState, mode: int) -> None:
    reds.add_interface(TabletInterface())
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    main = Viewer(reds).main
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=mode))
    assert modes(main) == []
    assert not main.connection.closed


def test_a_viewer_chooses_among_the_supported_modes(reds: RedsState) -> None:
    reds.add_interface(TabletInterface())
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    main = Viewer(reds).main
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=SERVER))
    assert modes(main) == [(BOTH, SERVER)]
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=SERVER))
    assert modes(main) == []
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=CLIENT))
    assert modes(main) == [(BOTH, CLIENT)]


def test_only_the_last_mode_waits_for_a_viewer_that_does_not_read(reds: RedsState) -> None:
    reds.allow_multiple_clients = True
    reds.add_interface(TabletInterface())
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    other, flooding = Viewer(reds).main, Viewer(reds).main
    for n in range(2001):
        mode = CLIENT if n % 2 else SERVER
        flooding.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=mode))
    assert modes(other) == modes(flooding) == [(BOTH, SERVER)]


def test_client_mode_is_not_granted_without_a_tablet(reds: RedsState) -> None:
    main = Viewer(reds).main
    main.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=CLIENT))
    assert modes(main) == []
    assert reds.mouse_modes.current == SERVER


def test_the_tablet_learns_the_size_of_the_screen(reds: RedsState) -> None:
    sizes = []

    class Tablet(TabletInterface):
        def set_logical_size(self, width: int, height: int) -> None:
            sizes.append((width, height))

    framebuffer = Framebuffer(8, 6)
    reds.add_interface(Tablet())
    reds.add_interface(QxlInterface(framebuffer))
    framebuffer.resize(10, 12)
    assert (sizes[0], sizes[-1]) == ((8, 6), (10, 12))
