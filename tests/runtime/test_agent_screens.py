"""Screens and the agent: what viewers wish, and which graphics devices there are."""

from __future__ import annotations

import pytest

from redspice.agent.bodies import (
    DeviceDisplay,
    GraphicsDeviceInfo,
    MessageType,
    MonitorConfig,
    MonitorsConfig,
)
from redspice.agent.capabilities import AgentCap
from redspice.agent.errors import AgentError
from redspice.agent.headers import parse_message_header
from redspice.agent.messages import build_message
from redspice.agent.monitors import MonitorsCollector
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from runtime.fake_agent import CLIENT, MAX_CHUNK, PIECE, SAID, SERVER, AgentUser, header, with_agent

MONITORS = MonitorsConfig(0, [MonitorConfig(600, 800, 32), MonitorConfig(768, 1024, 32)])


# Monitors.


class Screen(QxlInterface):
    """A screen that follows viewers' wishes."""

    def __init__(self, id: int = 0) -> None:
        super().__init__(Framebuffer(8, 8), id)
        self.wishes: list[MonitorsConfig] = []

    def client_monitors_config(self, config: MonitorsConfig) -> None:
        self.wishes.append(config)


def test_screens_that_follow_viewers_are_told_instead_of_the_agent(reds: RedsState) -> None:
    screens = [Screen(0), Screen(1)]
    for screen in screens:
        reds.add_interface(screen)
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    user.say(MONITORS)
    user.say(SAID)
    assert [screen.wishes for screen in screens] == [[MONITORS], [MONITORS]]
    assert agent.messages(CLIENT) == [SAID]


def test_wishes_come_in_pieces(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    with_agent(reds)
    user = AgentUser(reds).start()
    data = build_message(MONITORS)
    for piece in (data[:21], data[21:40], data[40:]):
        assert screen.wishes == []
        user.send(piece)
    user.say(MONITORS)
    assert screen.wishes == [MONITORS, MONITORS]


def test_the_agent_is_told_if_a_screen_does_not_follow(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    reds.add_interface(QxlInterface(Framebuffer(8, 8), 1))
    agent = with_agent(reds)
    AgentUser(reds).start().say(MONITORS)
    assert (screen.wishes, agent.messages(CLIENT)) == ([], [MONITORS])


def test_the_agent_is_told_if_there_is_no_screen(reds: RedsState) -> None:
    agent = with_agent(reds)
    AgentUser(reds).start().say(MONITORS)
    assert agent.messages(CLIENT) == [MONITORS]


@pytest.mark.parametrize(
    "message",
    [
        build_message(MonitorsConfig(0, [MonitorConfig(1, 1, 1)] * 256))[:-1],
        header(MessageType.MONITORS_CONFIG, 8 + 257 * 24),
        header(MessageType.MONITORS_CONFIG, 0xFFFFFFFF),
        header(MessageType.MONITORS_CONFIG, 8) + b"\xff" * 8,
        header(MessageType.MONITORS_CONFIG, 8 + 20) + b"\2" + bytes(27),
        build_message(MonitorsConfig(0, [MonitorConfig(1, 1, 1)] * 257)),
    ],
)
def test_cve_2017_7506_impossible_monitors_end_the_viewer(reds: RedsState, message: bytes) -> None:
    screen = Screen()
    reds.add_interface(screen)
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    for at in range(0, len(message), MAX_CHUNK):
        user.send(message[at : at + MAX_CHUNK])
    if not user.closed():  # it waits for the rest
        user.send(bytes(MAX_CHUNK))
        user.send(bytes(MAX_CHUNK))
    assert user.closed()
    assert (screen.wishes, agent.states) == ([], [True])


def test_as_many_monitors_as_may_be_are_passed_on(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    with_agent(reds)
    many = MonitorsConfig(0, [MonitorConfig(n, n, 32) for n in range(256)])
    AgentUser(reds).start().say(many)
    assert screen.wishes == [many]


def test_what_is_no_wish_for_monitors_is_not_taken_for_one() -> None:
    with pytest.raises(AgentError, match=r"message of type 3 is no monitors configuration"):
        MonitorsCollector().add(parse_message_header(PIECE), PIECE)


# Graphics devices.


def test_the_agent_is_told_which_graphics_devices_the_screens_are(reds: RedsState) -> None:
    screen = QxlInterface(Framebuffer(8, 8), 3)
    screen.set_device_info("pci/0000/02.0", [0, 1])
    reds.add_interface(screen)
    agent = with_agent(reds)
    assert agent.chunks() == []
    agent.announce(AgentCap.GRAPHICS_DEVICE_INFO)
    address = b"pci/0000/02.0\0"
    displays = [DeviceDisplay(3, 0, 0, address), DeviceDisplay(3, 1, 1, address)]
    assert agent.messages(SERVER) == [GraphicsDeviceInfo(displays)]
    screen.set_device_info("pci/0000/02.0", [7])
    assert agent.messages(SERVER) == [GraphicsDeviceInfo([DeviceDisplay(3, 0, 7, address)])]


def test_an_agent_that_does_not_ask_for_graphics_devices_is_not_told(reds: RedsState) -> None:
    screen = QxlInterface(Framebuffer(8, 8))
    screen.set_device_info("pci/0000/02.0", [0])
    reds.add_interface(screen)
    agent = with_agent(reds)
    agent.announce(AgentCap.REPLY)
    assert agent.chunks() == []


@pytest.mark.parametrize(
    ("address", "ids"),
    [("x" * 256, [0]), ("a\0b", [0]), ("pci", [-1]), ("pci", [1 << 32]), ("pci", range(17))],
)
def test_impossible_graphics_devices_are_refused(address: str, ids: list[int]) -> None:
    with pytest.raises(ConfigurationError):
        QxlInterface(Framebuffer(8, 8)).set_device_info(address, ids)
