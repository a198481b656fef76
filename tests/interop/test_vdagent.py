"""The agent of Linux guests at one end, spice-gtk at the other, our server between them."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from interop.agent_guest import AgentGuest, agent_guest, wait_until
from interop.agent_viewer import viewer
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.peers import (
    require_peer,
    require_spice_gtk,
)
from interop.record import Record
from redspice.agent.bodies import (
    AgentMessage,
    AnnounceCapabilities,
    FileXferResult,
    FileXferStart,
    FileXferStatus,
    MonitorConfig,
    MonitorFlags,
    MonitorsConfig,
    Reply,
)
from redspice.agent.capabilities import AgentCap
from redspice.agent.errors import AgentError
from redspice.agent.messages import build_message, parse_message
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.migration.data import UNLIMITED

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "agent.py"
CLIPBOARD, PRIMARY = 0, 1
UTF8_TEXT = 1
LEFT = 1
EV_KEY, EV_ABS = 1, 3
ABS_X, ABS_Y, BTN_LEFT = 0, 1, 0x110


def example() -> ModuleType:
    """The example, for the class that it has for the socket of an agent."""
    sys.path.insert(0, str(EXAMPLE.parent))  # as for the program: it imports what is beside it
    spec = importlib.util.spec_from_file_location("agent_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(EXAMPLE.parent))
    return module


class Bystander:
    """A viewer without a connection, to say what spice-gtk does not."""

    def __init__(self) -> None:
        self.pieces: Record[bytes] = Record()

    def send_agent_data(self, piece: bytes) -> None:
        self.pieces.add(piece)

    def send_agent_tokens(self, count: int) -> None:
        pass

    def has_agent_room(self) -> bool:
        return True

    def fail_agent(self, reason: str) -> None:
        raise AssertionError(reason)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for the paths of unix sockets."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    """A server with a socket for an agent."""
    require_peer("spice-vdagentd", "spice-vdagent", "Xvfb", "xclip")
    require_spice_gtk()
    port_class = example().AgentPort
    with embedded_server() as server:

        async def listen() -> asyncio.AbstractServer:
            loop = asyncio.get_running_loop()
            return await loop.create_unix_server(
                lambda: port_class(server.reds), str(folder / "agent")
            )

        listening = asyncio.run_coroutine_threadsafe(listen(), server.loop).result()
        yield server
        server.call(listening.close)


@pytest.fixture
def guest(folder: Path, server: EmbeddedServer) -> Iterator[AgentGuest]:
    """A guest whose agent is connected, and has announced itself."""
    with agent_guest(folder, folder / "agent") as guest:
        wait_until(
            lambda: server.call(lambda: server.reds.agent.connected), "connection of the agent"
        )
        yield guest


@pytest.fixture
def user(folder: Path, server: EmbeddedServer, guest: AgentGuest) -> Iterator[GtkViewer]:
    with viewer(folder / "viewer", server.port) as user:
        yield user


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


# Clipboards.


@pytest.mark.parametrize(
    ("number", "name"),
    [(CLIPBOARD, "clipboard"), (PRIMARY, "primary")],
    ids=["clipboard", "primary"],
)
def test_what_a_viewer_copies_is_pasted_in_the_guest(
    user: GtkViewer, guest: AgentGuest, number: int, name: str
) -> None:
    text = "käse\n" * 1000
    user.order("copy", number, text)
    wait_until(lambda: guest.paste(name) == text, "text in the guest")
    user.wait_for(["taken", number, UTF8_TEXT])


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_what_the_guest_copies_is_pasted_at_the_viewer(
    user: GtkViewer, guest: AgentGuest, size: int
) -> None:
    text = "0123456789" * (size // 10)
    guest.copy(text)
    user.wait_for_count(1, "copied")
    user.order("paste", CLIPBOARD)
    user.wait_for(["pasted", CLIPBOARD, UTF8_TEXT, size, md5(text.encode())])


def test_without_copy_and_paste_nothing_is_shared(
    folder: Path, server: EmbeddedServer, guest: AgentGuest
) -> None:
    server.reds.agent_copypaste = False
    path = folder / "mark"
    path.write_text("a file goes the same way, after the text")
    with viewer(folder / "viewer", server.port) as user:
        user.order("copy", CLIPBOARD, "secret")
        user.order("send_file", str(path))
        user.wait_for(["sent", str(path), True])
        assert guest.paste() == ""
        assert not any("clipboard grab" in line for line in guest.daemon.lines.items())


def test_the_guest_forgets_the_clipboard_of_a_viewer_that_went(
    folder: Path, server: EmbeddedServer, guest: AgentGuest
) -> None:
    with viewer(folder / "viewer", server.port) as user:
        user.order("copy", CLIPBOARD, "text")
        wait_until(lambda: guest.paste() == "text", "text in the guest")
    guest.agent.lines.wait(
        lambda lines: any("client disconnected" in line for line in lines), "goodbye"
    )
    wait_until(lambda: guest.paste() == "", "forgotten clipboard")


# Files.


def test_a_file_of_10_megabytes_arrives_whole(
    folder: Path, user: GtkViewer, guest: AgentGuest
) -> None:
    data = bytes(range(251)) * (10_000_000 // 251)
    path = folder / "large file.bin"
    path.write_bytes(data)
    user.order("send_file", str(path))
    user.wait_for(["sent", str(path), True])
    assert md5((guest.files / path.name).read_bytes()) == md5(data)


def test_without_file_transfers_viewers_do_not_send_any(
    folder: Path, server: EmbeddedServer, guest: AgentGuest
) -> None:
    server.reds.agent_file_xfer = False
    path = folder / "file"
    path.write_text("content")
    with viewer(folder / "viewer", server.port) as user:
        wait_until(lambda: _caps(server), "capabilities")
        user.order("send_file", str(path))
        user.wait_for(["sent", str(path), False])
    assert list(guest.files.iterdir()) == []


def test_the_agent_says_why_it_takes_no_file(server: EmbeddedServer, guest: AgentGuest) -> None:
    content = b"[vdagent-file-xfer]\nname=huge\nsize=9000000000000000\n\0"
    able = AnnounceCapabilities(0, [1 << AgentCap.FILE_XFER_DETAILED_ERRORS])
    status = _first(_converse(server, able, FileXferStart(7, content)), FileXferStatus)
    assert isinstance(status, FileXferStatus)
    assert (status.id, status.result) == (7, FileXferResult.NOT_ENOUGH_SPACE)
    assert status.free_space is not None
    assert status.free_space < 9_000_000_000_000_000


# Screens and the pointer.


class Screen(QxlInterface):
    """A screen that remembers what viewers would like."""

    def __init__(self) -> None:
        super().__init__(Framebuffer(8, 8), 1)
        self.wishes: Record[MonitorsConfig] = Record()
        self.follows = True

    @property
    def follows_monitors_config(self) -> bool:
        return self.follows

    def client_monitors_config(self, config: MonitorsConfig) -> None:
        self.wishes.add(config)


def test_the_size_of_a_viewers_window_reaches_the_embedder(
    user: GtkViewer, server: EmbeddedServer
) -> None:
    screen = Screen()

    def replace_screen() -> None:
        server.reds.remove_interface(server.qxl)
        server.reds.add_interface(screen)

    server.call(replace_screen)
    user.order("resize", 1234, 567)
    wishes = screen.wishes.wait(
        lambda wishes: any(
            (one.monitors[0].width, one.monitors[0].height) == (1234, 567) for one in wishes
        ),
        "wish for 1234x567",
    )
    assert wishes[-1].flags & MonitorFlags.PHYSICAL_SIZE
    assert len(wishes[-1].monitors) == len(wishes[-1].sizes)


def test_the_size_of_a_viewers_window_reaches_the_agent(
    server: EmbeddedServer, guest: AgentGuest
) -> None:
    wish = MonitorsConfig(MonitorFlags.POSITION, [MonitorConfig(600, 800, 32)])
    assert _first(_converse(server, wish), Reply) == Reply(2, 1)


def test_the_viewers_pointer_is_moved_by_the_agent(
    user: GtkViewer, server: EmbeddedServer, guest: AgentGuest
) -> None:
    user.order("position", 100, 200, 0, 0)
    user.order("button_press", LEFT, 1)
    user.order("button_release", LEFT, 0)
    wait_until(lambda: (EV_KEY, BTN_LEFT, 0) in guest.pointer(), "click")
    events = guest.pointer()
    assert (EV_ABS, ABS_X, 100) in events
    assert (EV_ABS, ABS_Y, 200) in events
    assert events.index((EV_KEY, BTN_LEFT, 1)) < events.index((EV_KEY, BTN_LEFT, 0))
    assert not [one for one in server.inputs.items() if one[0] in ("position", "motion")]


def test_the_agent_knows_which_graphics_device_a_screen_is(
    server: EmbeddedServer, guest: AgentGuest
) -> None:
    wait_until(lambda: _caps(server), "capabilities")
    server.call(lambda: server.qxl.set_device_info("pci/0000/02.0", [0]))
    guest.agent.lines.wait(
        lambda lines: any("pci/0000/02.0" in line for line in lines), "device address"
    )


# Comings and goings.


def test_an_agent_that_is_started_again_is_used_again(folder: Path, server: EmbeddedServer) -> None:
    (folder / "second").mkdir()
    with ExitStack() as stack:
        with agent_guest(folder, folder / "agent"):
            user = stack.enter_context(viewer(folder / "viewer", server.port))
        user.wait_for(["agent", False])
        with agent_guest(folder / "second", folder / "agent") as guest:

            def arrived() -> bool:
                # Until the agent has said what it can do, the viewer does not tell it.
                user.order("copy", CLIPBOARD, "again")
                return guest.paste() == "again"

            wait_until(arrived, "text in the guest")


# What a bystander says and hears.


def _caps(server: EmbeddedServer) -> bool:
    """Whether the agent has announced itself."""
    device = server.call(lambda: server.reds.agent._device)
    return device is not None and AgentCap.GRAPHICS_DEVICE_INFO in (device.caps or ())


def _converse(server: EmbeddedServer, *messages: AgentMessage) -> Record[bytes]:
    """Say something to the agent; what it answers comes in the record."""
    bystander = Bystander()
    agent = server.reds.agent

    def say() -> None:
        agent.viewer_started(bystander, UNLIMITED)
        for message in messages:
            agent.viewer_sent(bystander, build_message(message))

    server.call(say)
    return bystander.pieces


def _first(pieces: Record[bytes], kind: type) -> object:
    """The first message of a kind that comes, each in one piece."""
    found: list[object] = []

    def look(items: list[bytes]) -> bool:
        for piece in items:
            try:
                message = parse_message(piece)
            except AgentError:
                continue
            if isinstance(message, kind):
                found.append(message)
        return bool(found)

    pieces.wait(look, kind.__name__)
    return found[0]
