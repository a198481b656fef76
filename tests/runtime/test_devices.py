"""Which channels each interface becomes, which of them there may be, and which go again."""

from __future__ import annotations

import random
from typing import ClassVar

import pytest

from redspice.channels.inputs import InputsChannel
from redspice.devices import KINDS, SUBTYPES, Kind
from redspice.display.framebuffer import Framebuffer
from redspice.errors import (
    AlreadyRegisteredError,
    ConfigurationError,
    InterfaceVersionError,
    NotRegisteredError,
)
from redspice.interfaces import (
    VERSIONS,
    CharDeviceInterface,
    Interface,
    KeyboardInterface,
    MigrationInterface,
    MouseInterface,
    NetWireInterface,
    PlaybackInterface,
    QxlInterface,
    RecordInterface,
    TabletInterface,
)
from redspice.interfaces import char_device as subtypes
from redspice.reds import RedsState
from runtime.guest import Port, Usb
from runtime.peer import Viewer


class SmartcardReader(CharDeviceInterface):
    subtype = subtypes.SMARTCARD


class Agent(CharDeviceInterface):
    subtype = subtypes.VDAGENT


def names(reds: RedsState) -> list[str]:
    """The channels besides those that are always there, the newest first."""
    return [channel.name for channel in reds.channels][:-2]


ONE_CHANNEL = {
    "playback:0": PlaybackInterface,
    "record:0": RecordInterface,
    "smartcard:0": SmartcardReader,
    "usbredir:0": Usb,
    "port:0": Port,
    "webdav:0": lambda: Port("org.spice-space.webdav.0"),
    "tunnel:0": NetWireInterface,
}


@pytest.mark.parametrize("name", ONE_CHANNEL)
def test_an_interface_becomes_its_channel_and_goes_with_it(reds: RedsState, name: str) -> None:
    instance = ONE_CHANNEL[name]()
    reds.add_interface(instance)
    assert names(reds) == [name]
    viewer = Viewer(reds)
    peer = viewer.open(name.partition(":")[0])
    reds.remove_interface(instance)
    assert names(reds) == []
    assert peer.connection.closed
    assert not viewer.main.connection.closed
    reds.add_interface(instance)
    assert names(reds) == [name]


@pytest.mark.parametrize("name", ONE_CHANNEL)
def test_every_message_of_a_viewer_is_handled_or_ignored(reds: RedsState, name: str) -> None:
    reds.add_interface(ONE_CHANNEL[name]())
    channel = next(iter(reds.channels))
    names = set(channel.messages.client.by_name)
    handled = set(channel.client_class.HANDLERS) & names
    assert handled | channel.client_class.IGNORED == names
    assert not handled & channel.client_class.IGNORED


@pytest.mark.usefixtures("one_modulus")
@pytest.mark.parametrize("name", ONE_CHANNEL)
def test_random_messages_only_ever_end_their_channel(reds: RedsState, name: str) -> None:
    numbers = random.Random(name)
    reds.add_interface(ONE_CHANNEL[name]())
    channel = next(iter(reds.channels))
    types = [*channel.messages.client.by_id, 0, 99, 65535]
    viewer = Viewer(reds)
    for _ in range(50):
        peer = viewer.open(channel.messages.name)
        for _ in range(10):
            body = numbers.randbytes(numbers.choice([0, 1, 2, 5, 12, 30]))
            peer.send_bytes(peer.frame(numbers.choice(types), body))
            peer.read()
        peer.send_bytes(numbers.randbytes(100))
        peer.connection.close()
    assert channel.clients_num == 0
    assert not viewer.main.connection.closed


def test_an_agent_has_no_channel_of_its_own(reds: RedsState) -> None:
    agent = Agent()
    reds.add_interface(agent)
    assert names(reds) == []
    assert reds.agent.connected
    with pytest.raises(AlreadyRegisteredError, match="an agent already"):
        reds.add_interface(Agent())
    reds.remove_interface(agent)
    assert not reds.agent.connected


@pytest.mark.parametrize("kind", [PlaybackInterface, RecordInterface, Usb, Port, NetWireInterface])
def test_several_of_a_kind_get_the_first_free_id(reds: RedsState, kind: type[Interface]) -> None:
    first, second, third, fourth = (kind() for _ in range(4))
    for each in (first, second, third):
        reds.add_interface(each)
    reds.remove_interface(second)
    reds.add_interface(fourth)
    assert [name.partition(":")[2] for name in names(reds)] == ["1", "2", "0"]


def test_ports_and_webdav_ports_are_counted_apart(reds: RedsState) -> None:
    for name in ("a", "org.spice-space.webdav.0", "b"):
        reds.add_interface(Port(name))
    assert names(reds) == ["port:1", "webdav:0", "port:0"]


def test_an_object_is_registered_once(reds: RedsState) -> None:
    port = Port("org.example.port.0")
    reds.add_interface(port)
    with pytest.raises(AlreadyRegisteredError, match="this Port is registered already"):
        reds.add_interface(port)
    assert reds.devices.of(Port) == [port]


def test_a_device_that_does_nothing_takes_all_and_says_nothing() -> None:
    device = CharDeviceInterface("org.example.port.0")
    assert device.write(memoryview(b"abc")) == 3
    assert device.read(10) == b""


def test_there_is_one_smart_card_reader(reds: RedsState) -> None:
    reds.add_interface(SmartcardReader())
    with pytest.raises(AlreadyRegisteredError, match="channel smartcard:0"):
        reds.add_interface(SmartcardReader())
    assert names(reds) == ["smartcard:0"]


def test_ids_run_out(reds: RedsState) -> None:
    for number in range(256):
        reds.add_interface(Port(f"port {number}"))
    with pytest.raises(ConfigurationError, match="all 256 channels of type 10"):
        reds.add_interface(Port("one more"))


def test_one_object_may_play_and_record(reds: RedsState) -> None:
    class SoundCard(PlaybackInterface, RecordInterface):
        pass

    card = SoundCard()
    reds.add_interface(card)
    assert names(reds) == ["record:0", "playback:0"]
    reds.remove_interface(card)
    assert names(reds) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_checks_its_version(reds: RedsState, kind: Kind) -> None:
    name, interface = kind[:2]
    ours = VERSIONS[name]

    class Newer(interface):  # type: ignore[misc, valid-type]
        wants: ClassVar = {name: (ours.major, ours.minor + 1)}

    newer = {
        "qxl": lambda: Newer(Framebuffer(8, 8)),
        "char_device": lambda: Newer("a port"),
    }.get(name, Newer)()
    with pytest.raises(InterfaceVersionError, match=f"{name} {ours.major}.{ours.minor + 1}"):
        reds.add_interface(newer)
    assert names(reds) == []


@pytest.mark.parametrize(
    "instance", [KeyboardInterface(), MouseInterface(), MigrationInterface()], ids=repr
)
def test_what_stays_stays(reds: RedsState, instance: Interface) -> None:
    reds.add_interface(instance)
    with pytest.raises(NotRegisteredError, match="cannot be removed"):
        reds.remove_interface(instance)


@pytest.mark.parametrize("make", [TabletInterface, Port, PlaybackInterface])
def test_what_was_never_added_cannot_be_removed(reds: RedsState, make: type[Interface]) -> None:
    reds.add_interface(make())
    with pytest.raises(NotRegisteredError, match="is not registered"):
        reds.remove_interface(make())


def test_a_screen_goes_with_both_its_channels(reds: RedsState) -> None:
    screen = QxlInterface(Framebuffer(8, 8), id=3)
    reds.add_interface(screen)
    assert names(reds) == ["cursor:3", "display:3"]
    reds.remove_interface(screen)
    assert names(reds) == []


def test_every_subtype_has_a_row() -> None:
    assert set(SUBTYPES) == subtypes.SUBTYPES
    assert {kind.name for kind in KINDS} == set(VERSIONS) - {"core"}


@pytest.mark.parametrize(
    ("subtype", "portname", "reason"),
    [
        ("parallel", None, "is no subtype"),
        ("port", None, "needs a name"),
        ("usbredir", "a name", "have none"),
        ("port", "a\0b", "NUL"),
    ],
)
def test_an_impossible_char_device_is_refused(
    subtype: str, portname: str | None, reason: str
) -> None:
    device = type("Device", (CharDeviceInterface,), {"subtype": subtype})
    with pytest.raises(ConfigurationError, match=reason):
        device(portname)


@pytest.mark.parametrize("id", [-1, 256])
def test_a_channel_whose_id_cannot_be_told_is_refused(reds: RedsState, id: int) -> None:
    before = list(reds.channels)
    with pytest.raises(ConfigurationError, match=f"inputs:{id}: ids are 0..255"):
        reds.register_channel(InputsChannel(reds, id))
    assert list(reds.channels) == before


def test_of_several_channels_all_are_registered_or_none(reds: RedsState) -> None:
    with pytest.raises(AlreadyRegisteredError, match="inputs:2"):
        reds.register_channel(*(InputsChannel(reds, id) for id in (1, 2, 2)))
    assert names(reds) == []
    one, two = InputsChannel(reds, 1), InputsChannel(reds, 2)
    reds.register_channel(one)
    with pytest.raises(NotRegisteredError, match="inputs:2"):
        reds.unregister_channel(one, two)
    assert names(reds) == ["inputs:1"]
    reds.register_channel(two)
    reds.unregister_channel(one, two)
    assert names(reds) == []


def test_a_channel_is_of_one_server() -> None:
    one, two = RedsState(), RedsState()
    channel = InputsChannel(one, 1)
    one.register_channel(channel)
    with pytest.raises(AlreadyRegisteredError, match="inputs:1"):
        two.register_channel(channel)
    with pytest.raises(NotRegisteredError, match="inputs:1"):
        two.unregister_channel(channel)


def test_a_tablet_that_fails_leaves_no_half_of_a_screen(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet, screen = TabletInterface(), QxlInterface(Framebuffer(8, 8))
    reds.add_interface(tablet)
    with monkeypatch.context() as broken:
        broken.setattr(tablet, "set_logical_size", lambda width, height: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            reds.add_interface(screen)
    assert names(reds) == ["cursor:0", "display:0"]
    reds.remove_interface(screen)
    assert names(reds) == []


def test_an_agent_that_is_removed_as_it_is_added_is_gone(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet, agent = TabletInterface(), Agent()
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    reds.add_interface(tablet)
    removed: list[Interface] = []

    def remove(width: int, height: int) -> None:
        if not removed:
            removed.append(agent)
            reds.remove_interface(agent)

    monkeypatch.setattr(tablet, "set_logical_size", remove)
    reds.add_interface(agent)
    assert removed
    assert not reds.agent.connected


def test_a_screen_may_be_removed_as_its_size_is_told(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet, screen = TabletInterface(), QxlInterface(Framebuffer(8, 8))
    reds.add_interface(tablet)
    monkeypatch.setattr(tablet, "set_logical_size", lambda *size: reds.remove_interface(screen))
    reds.add_interface(screen)
    assert names(reds) == []
