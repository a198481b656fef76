"""The inputs channel: what a viewer types and points at reaches the right device."""

from __future__ import annotations

import pytest

from redspice.agent.relay import AgentRelay
from redspice.channels.inputs import INSECURE
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import (
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.migration.data import InputsData
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.enums import KeyboardModifierFlags, MouseButton, MouseButtonMask
from redspice_protocol.inputs import (
    MsgcInputsKeyDown,
    MsgcInputsKeyModifiers,
    MsgcInputsKeyUp,
    MsgcInputsMouseMotion,
    MsgcInputsMousePosition,
    MsgcInputsMousePress,
    MsgcInputsMouseRelease,
)
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

LEFT = MouseButtonMask.LEFT


class Devices(KeyboardInterface):
    """A keyboard that also makes a mouse and a tablet that write into the same list."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.leds = KeyboardModifierFlags.NUM_LOCK
        calls = self.calls

        class Mouse(MouseInterface):
            def motion(self, dx: int, dy: int, dz: int, buttons: int) -> None:
                calls.append(("motion", dx, dy, dz, buttons))

            def buttons(self, buttons: int) -> None:
                calls.append(("mouse buttons", buttons))

        class Tablet(TabletInterface):
            def set_logical_size(self, width: int, height: int) -> None:
                calls.append(("size", width, height))

            def position(self, x: int, y: int, buttons: int) -> None:
                calls.append(("position", x, y, buttons))

            def wheel(self, dz: int, buttons: int) -> None:
                calls.append(("wheel", dz, buttons))

            def buttons(self, buttons: int) -> None:
                calls.append(("tablet buttons", buttons))

        self.mouse, self.tablet = Mouse(), Tablet()

    def push_scan_freg(self, fragment: int) -> None:
        self.calls.append(("key", fragment))

    def get_leds(self) -> int:
        return self.leds


@pytest.fixture
def devices(reds: RedsState) -> Devices:
    devices = Devices()
    reds.add_interface(devices)
    reds.add_interface(devices.mouse)
    return devices


@pytest.fixture
def inputs(reds: RedsState, devices: Devices) -> Peer:
    return Viewer(reds).open("inputs")


def client_mode(reds: RedsState, devices: Devices) -> None:
    reds.add_interface(QxlInterface(Framebuffer(8, 6)))
    reds.add_interface(devices.tablet)
    devices.calls.clear()


def motion(dx: int = 1, dy: int = -1) -> MsgcInputsMouseMotion:
    return MsgcInputsMouseMotion(dx=dx, dy=dy, buttons_state=LEFT)


def position(x: int, y: int) -> MsgcInputsMousePosition:
    return MsgcInputsMousePosition(x=x, y=y, buttons_state=LEFT, display_id=0)


def test_init_tells_the_leds(inputs: Peer) -> None:
    (init,) = inputs.messages()
    assert (init.name, init.message.keyboard_modifiers) == ("init", 2)


def test_without_a_keyboard_no_led_is_lit(reds: RedsState) -> None:
    (init,) = Viewer(reds).open("inputs").messages()
    assert init.message.keyboard_modifiers == 0


@pytest.mark.parametrize(
    ("code", "fragments"),
    [
        (0x1E, [0x1E]),
        (0x9E, [0x9E]),
        (0x4DE0, [0xE0, 0x4D]),
        (0xC5E19D1D, [0x1D, 0x9D, 0xE1, 0xC5]),
        (0x1E00, []),
        (0x4D00E0, [0xE0]),
        (0, []),
    ],
)
def test_scan_codes_go_low_byte_first_up_to_a_zero(
    inputs: Peer, devices: Devices, code: int, fragments: list[int]
) -> None:
    inputs.send("key_down", MsgcInputsKeyDown(code=code))
    inputs.send("key_up", MsgcInputsKeyUp(code=code))
    assert devices.calls == [("key", fragment) for fragment in fragments] * 2


@pytest.mark.parametrize(
    "codes",
    [b"\x1e", b"\xe0\x00\x4d", b"\xe1\x1d\x45\xe1\x9d\xc5", b"", bytes(range(256)) * 8],
    ids=["one byte", "with a zero", "Pause", "nothing", "as long as may be"],
)
def test_a_scancode_string_goes_byte_by_byte(inputs: Peer, devices: Devices, codes: bytes) -> None:
    inputs.send("key_scancode", MsgData(data=codes))
    assert devices.calls == [("key", code) for code in codes]
    assert not inputs.connection.closed


def test_a_longer_scancode_string_ends_the_connection(inputs: Peer, devices: Devices) -> None:
    inputs.send("key_scancode", MsgData(data=bytes(2049)))
    assert inputs.connection.closed
    assert devices.calls == []


def test_modifiers_of_the_viewer_are_remembered(inputs: Peer, reds: RedsState) -> None:
    inputs.send("key_modifiers", MsgcInputsKeyModifiers(modifiers=5))
    assert [client.modifiers for client in reds.inputs.clients] == [5]


def test_lock_keys_are_pressed_where_guest_and_viewer_differ(
    inputs: Peer, devices: Devices, core: FakeCore
) -> None:
    inputs.messages()
    caps = KeyboardModifierFlags.CAPS_LOCK
    inputs.send("key_modifiers", MsgcInputsKeyModifiers(modifiers=caps))
    assert devices.calls == [("key", key) for key in (0x45, 0xC5, 0x3A, 0xBA)]
    assert inputs.messages() == []
    devices.leds = caps
    core.advance(2)
    (message,) = inputs.messages()
    assert (message.name, message.message.modifiers) == ("key_modifiers", caps)


@pytest.mark.parametrize("by_scancode", [False, True])
def test_a_lock_key_of_the_viewer_itself_is_not_pressed_again(
    inputs: Peer, devices: Devices, core: FakeCore, by_scancode: bool
) -> None:
    inputs.messages()
    if by_scancode:
        inputs.send("key_scancode", MsgData(data=b"\x45\xc5"))
    else:
        inputs.send("key_down", MsgcInputsKeyDown(code=0x45))
        inputs.send("key_up", MsgcInputsKeyUp(code=0xC5))
    inputs.send("key_modifiers", MsgcInputsKeyModifiers(modifiers=0))
    devices.leds = KeyboardModifierFlags(0)
    core.advance(2)
    assert devices.calls == [("key", 0x45), ("key", 0xC5)]
    assert inputs.names() == ["key_modifiers"]


def test_lights_that_the_embedder_did_not_tell_are_told_to_all(
    reds: RedsState, devices: Devices, core: FakeCore
) -> None:
    reds.allow_multiple_clients = True
    peers = [Viewer(reds).open("inputs") for _ in range(2)]
    for peer in peers:
        peer.messages()
    peers[0].send("key_modifiers", MsgcInputsKeyModifiers(modifiers=0))
    devices.leds = KeyboardModifierFlags(0)
    core.advance(2)
    assert [peer.names() for peer in peers] == [["key_modifiers"]] * 2


def test_lock_keys_of_a_viewer_that_is_gone_are_forgotten(
    inputs: Peer, devices: Devices, core: FakeCore
) -> None:
    inputs.send("key_scancode", MsgData(data=b"\x45\xc5"))
    inputs.send("key_modifiers", MsgcInputsKeyModifiers(modifiers=0))
    inputs.connection.receive_eof()
    devices.calls.clear()
    core.advance(60)
    assert devices.calls == []


def test_led_changes_go_to_all_viewers(reds: RedsState) -> None:
    reds.allow_multiple_clients = True
    peers = [Viewer(reds).open("inputs") for _ in range(2)]
    for peer in peers:
        peer.messages()
    reds.kbd_leds(KeyboardModifierFlags.CAPS_LOCK)
    for peer in peers:
        (message,) = peer.messages()
        assert (message.name, message.message.modifiers) == ("key_modifiers", 4)


def test_leds_that_a_viewer_shows_are_not_told_again(
    reds: RedsState, inputs: Peer, devices: Devices
) -> None:
    inputs.messages()
    inputs.wakes = 0
    reds.kbd_leds(devices.leds)
    assert (inputs.wakes, inputs.messages()) == (0, [])
    reds.kbd_leds(0)
    reds.kbd_leds(0)
    assert inputs.names() == ["key_modifiers"]


def test_only_the_last_leds_wait_for_a_viewer_that_does_not_read(reds: RedsState) -> None:
    """One viewer that presses a lock key all the time must not fill the pipes of the others."""

    class Keyboard(KeyboardInterface):
        leds = 0

        def push_scan_freg(self, fragment: int) -> None:
            if fragment == 0x3A:
                self.leds ^= KeyboardModifierFlags.CAPS_LOCK
                reds.kbd_leds(self.leds)

    reds.add_interface(Keyboard())
    reds.allow_multiple_clients = True
    others = Viewer(reds).open("inputs")
    flooding = Viewer(reds).open("inputs")
    others.messages()
    for _ in range(3):
        flooding.send("key_scancode", MsgData(data=b"\x3a\xba" * 1001))
    (message,) = others.messages()
    assert (message.name, message.message.modifiers) == ("key_modifiers", 4)


@pytest.mark.parametrize("leds", [0x10000, -1, 1.0, None])
def test_impossible_leds_are_refused_where_they_are_told(
    reds: RedsState, inputs: Peer, devices: Devices, leds: int
) -> None:
    with pytest.raises(ConfigurationError, match="lock lights"):
        reds.kbd_leds(leds)
    inputs.messages()
    assert not inputs.connection.closed
    other = RedsState()
    other.init(FakeCore())
    devices.leds = leds
    with pytest.raises(ConfigurationError, match="lock lights"):
        other.add_interface(devices)
    assert other.devices.keyboard is None


def test_motion_reaches_the_mouse_in_server_mode(inputs: Peer, devices: Devices) -> None:
    inputs.send("mouse_motion", motion(-5, 7))
    inputs.send("mouse_position", position(3, 4))
    assert devices.calls == [("motion", -5, 7, 0, LEFT)]


def test_positions_reach_the_tablet_in_client_mode(
    reds: RedsState, inputs: Peer, devices: Devices
) -> None:
    client_mode(reds, devices)
    inputs.send("mouse_motion", motion())
    inputs.send("mouse_position", position(3, 4))
    assert devices.calls == [("position", 3, 4, LEFT)]


def test_a_tablet_knows_which_display_a_position_lies_on(
    reds: RedsState, inputs: Peer, devices: Devices
) -> None:
    client_mode(reds, devices)
    message = MsgcInputsMousePosition(x=3, y=4, buttons_state=0, display_id=7)
    inputs.send("mouse_position", message)
    assert devices.tablet.display_id == 7


def test_an_agent_that_moves_the_pointer_comes_before_the_tablet(
    reds: RedsState, inputs: Peer, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_mode(reds, devices)
    agent = Devices()
    monkeypatch.setattr(AgentRelay, "tablet", agent.tablet)
    inputs.send("mouse_position", position(3, 4))
    inputs.send("mouse_press", MsgcInputsMousePress(button=MouseButton.UP, buttons_state=0))
    assert agent.calls == [("position", 3, 4, LEFT), ("wheel", -1, 0)]
    assert devices.calls == []


def test_every_fourth_pointer_event_is_acknowledged(inputs: Peer) -> None:
    inputs.messages()
    acks = []
    for number in range(1, 13):
        if number % 2:
            inputs.send("mouse_motion", motion())
        else:
            inputs.send("mouse_position", position(0, 0))
        if inputs.names() == ["mouse_motion_ack"]:
            acks.append(number)
    assert acks == [4, 8, 12]


@pytest.mark.parametrize("mode", ["server", "client"])
def test_buttons_and_wheel_go_to_the_device_of_the_mode(
    reds: RedsState, inputs: Peer, devices: Devices, mode: str
) -> None:
    if mode == "client":
        client_mode(reds, devices)
    for button in (MouseButton.RIGHT, MouseButton.UP, MouseButton.DOWN, 200):
        # Some viewers set the bit of the wheel, which no release clears.
        mask = 4 | MouseButtonMask.UP | MouseButtonMask.DOWN
        inputs.send("mouse_press", MsgcInputsMousePress(button=button, buttons_state=mask))
        inputs.send("mouse_release", MsgcInputsMouseRelease(button=button, buttons_state=0))
    name = "mouse buttons" if mode == "server" else "tablet buttons"
    up, down = (
        [("motion", 0, 0, -1, 4), ("motion", 0, 0, 1, 4)]
        if mode == "server"
        else [("wheel", -1, 4), ("wheel", 1, 4)]
    )
    assert devices.calls == [(name, 4), (name, 0), up, down, (name, 4), (name, 0)]


def test_side_buttons_are_told_and_the_wheel_is_not_held(inputs: Peer, devices: Devices) -> None:
    mask = MouseButtonMask.SIDE | MouseButtonMask.EXTRA
    both = mask | MouseButtonMask.UP
    inputs.send("mouse_press", MsgcInputsMousePress(button=MouseButton.EXTRA, buttons_state=both))
    inputs.send("mouse_motion", MsgcInputsMouseMotion(dx=0, dy=1, buttons_state=both))
    assert devices.calls == [("mouse buttons", mask), ("motion", 0, 1, 0, mask)]


@pytest.mark.parametrize("mode", ["server", "client"])
def test_buttons_that_are_down_are_released_when_the_viewer_goes(
    reds: RedsState, inputs: Peer, devices: Devices, mode: str
) -> None:
    if mode == "client":
        client_mode(reds, devices)
    inputs.send("mouse_press", MsgcInputsMousePress(button=MouseButton.LEFT, buttons_state=LEFT))
    inputs.connection.connection_lost("reset")
    name = "mouse buttons" if mode == "server" else "tablet buttons"
    assert devices.calls == [(name, LEFT), (name, 0)]


def test_no_button_is_released_that_is_up(inputs: Peer, devices: Devices) -> None:
    inputs.send("mouse_press", MsgcInputsMousePress(button=MouseButton.LEFT, buttons_state=LEFT))
    inputs.send("mouse_release", MsgcInputsMouseRelease(button=MouseButton.LEFT, buttons_state=0))
    devices.calls.clear()
    inputs.connection.connection_lost("reset")
    assert devices.calls == []


def test_buttons_are_released_on_the_device_that_was_told_of_them(
    reds: RedsState, inputs: Peer, devices: Devices
) -> None:
    press = MsgcInputsMousePress(button=MouseButton.LEFT, buttons_state=LEFT)
    inputs.send("mouse_press", press)
    client_mode(reds, devices)
    inputs.send("mouse_position", position(3, 4))
    assert devices.calls == [("mouse buttons", 0), ("position", 3, 4, LEFT)]
    devices.calls.clear()
    reds.remove_interface(devices.tablet)
    inputs.send("mouse_motion", motion())
    assert devices.calls == [("motion", 1, -1, 0, LEFT)], "a tablet that is gone is left alone"
    reds.add_interface(devices.tablet)
    devices.calls.clear()
    inputs.connection.connection_lost("reset")
    assert devices.calls == [("mouse buttons", 0)]


def test_a_viewer_that_goes_as_its_buttons_are_released_holds_none(
    reds: RedsState, inputs: Peer, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    press = MsgcInputsMousePress(button=MouseButton.LEFT, buttons_state=LEFT)
    inputs.send("mouse_press", press)
    client_mode(reds, devices)
    monkeypatch.setattr(devices.mouse, "buttons", lambda buttons: reds.shutdown())
    inputs.send("mouse_press", press)
    assert devices.calls == [("tablet buttons", 0)]


def test_a_mouse_that_fails_at_the_end_does_not_keep_keys_down(
    inputs: Peer, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs.send("key_down", MsgcInputsKeyDown(code=0x1D))
    inputs.send("mouse_motion", motion())
    monkeypatch.setattr(devices.mouse, "buttons", lambda buttons: 1 // 0)
    devices.calls.clear()
    inputs.connection.receive_eof()
    assert devices.calls == [("key", 0x9D)]


def test_input_without_devices_is_ignored(reds: RedsState) -> None:
    inputs = Viewer(reds).open("inputs")
    inputs.send("key_down", MsgcInputsKeyDown(code=1))
    inputs.send("key_scancode", MsgData(data=b"\1"))
    inputs.send("key_modifiers", MsgcInputsKeyModifiers(modifiers=7))
    inputs.send("mouse_motion", motion())
    inputs.send("mouse_position", position(1, 1))
    for button in (MouseButton.LEFT, MouseButton.UP):
        inputs.send("mouse_press", MsgcInputsMousePress(button=button, buttons_state=1))
        inputs.send("mouse_release", MsgcInputsMouseRelease(button=button, buttons_state=0))
    assert not inputs.connection.closed


def test_keys_that_are_down_are_released_when_the_viewer_goes(
    inputs: Peer, devices: Devices
) -> None:
    for code in (0x1D, 0x4DE0, 0x1E, 0x451DE1):
        inputs.send("key_down", MsgcInputsKeyDown(code=code))
    inputs.send("key_up", MsgcInputsKeyUp(code=0x9E))
    devices.calls.clear()
    inputs.connection.connection_lost("reset")
    released = (0x9D, 0xE0, 0xCD, 0xE1, 0x9D, 0xC5)
    assert devices.calls == [("key", fragment) for fragment in released]


def test_a_shutdown_while_a_key_is_handed_over_releases_it_and_no_more_follow(
    reds: RedsState, inputs: Peer, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []

    def push(fragment: int) -> None:
        keys.append(fragment)
        if fragment == 0x1E:
            reds.shutdown()

    monkeypatch.setattr(devices, "push_scan_freg", push)
    inputs.send("key_scancode", MsgData(data=b"\x2a\x1e\x30"))
    assert keys == [0x2A, 0x1E, 0xAA, 0x9E]


def test_a_keyboard_that_fails_at_the_end_does_not_keep_the_viewer(
    reds: RedsState, inputs: Peer, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fragment: int) -> None:
        raise RuntimeError("no keyboard")

    inputs.send("key_down", MsgcInputsKeyDown(code=0x1D))
    monkeypatch.setattr(devices, "push_scan_freg", broken)
    inputs.connection.receive_eof()
    assert reds.inputs.clients_num == 0


@pytest.mark.parametrize(
    ("transport", "warned"),
    [({"local": False}, True), ({"local": False, "tls": True}, False), ({"local": True}, False)],
)
def test_a_viewer_whose_keys_others_could_read_is_told(
    reds: RedsState, transport: dict[str, bool], warned: bool
) -> None:
    viewer = Viewer(reds)
    inputs = Peer(reds, **transport)
    assert inputs.link("inputs", connection_id=viewer.session_id) == 0
    notices = viewer.main.messages()
    assert [bytes(one.message.message) for one in notices] == [INSECURE.encode()] * warned
    assert inputs.names() == ["init"]


def test_a_viewer_from_another_server_was_told_there(reds: RedsState) -> None:
    main = Peer(reds, local=True)
    assert main.link("main", connection_id=5) == 0
    inputs = Peer(reds, local=False)
    assert inputs.link("inputs", connection_id=5) == 0
    main.send("migrate_end")
    assert "notify" not in main.names()
    assert inputs.names() == ["init"]


# moving to another server


def test_a_viewer_that_moves_on_is_acknowledged_by_the_other_server(
    reds: RedsState, inputs: Peer
) -> None:
    inputs.messages()
    (leaving,) = reds.inputs.clients
    inputs.send("mouse_motion", motion())
    leaving.leave()
    for _ in range(6):
        inputs.send("mouse_motion", motion())
    assert inputs.names() == ["migrate"]
    other = Viewer(reds).open("inputs")
    other.messages()
    (arriving,) = reds.inputs.clients
    arriving.restore(leaving.save())
    assert [name for name in other.names() if name != "set_ack"] == ["init", "mouse_motion_ack"]
    assert arriving.motion_count == 3


def test_a_viewer_cannot_have_more_acknowledged_than_it_may_send(
    reds: RedsState, inputs: Peer
) -> None:
    inputs.messages()
    (client,) = reds.inputs.clients
    client.restore(InputsData(motion_count=0xFFFF).build())
    assert inputs.names() == ["init", "mouse_motion_ack", "mouse_motion_ack"]
    client.leave()
    client.motion_count = 100_000
    assert InputsData.parse(client.save()).motion_count == 8
