"""SASL and the transports of channels, with spice-gtk.

spice-gtk refuses SASL wherever there is no TLS: it wants a security layer, which no mechanism of
ours has. So these viewers know both ports; at the plain one they are told to come to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import CHANNELS, GtkViewer
from interop.peers import require_cyrus
from interop.refusals import count_refused
from interop.tls_port import tls_port
from redspice.sasl import UserFile
from redspice.sasl.user_file import add_user
from redspice.security import ChannelSecurity
from runtime.certificates import Files, server_files

Connect = Callable[..., GtkViewer]
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


@pytest.fixture
def users(tmp_path: Path) -> UserFile:
    add_user(tmp_path / "users", "alice", "wonderland")
    return UserFile(tmp_path / "users")


@pytest.fixture
def server(files: Files) -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        yield running


@pytest.fixture
def properties(server: EmbeddedServer, files: Files) -> Iterator[dict[str, object]]:
    """What a viewer needs to know of the server's port for TLS."""
    with tls_port(server, files.context()) as port:
        yield {"tls_port": port, "ca_file": files.ca}


def offer(server: EmbeddedServer, users: UserFile, mechanism: str) -> None:
    """Let the server have no other mechanism."""
    server.call(lambda: server.reds.set_sasl(users))
    offers = server.reds.admission.sasl_offers
    server.reds.admission.sasl_offers = lambda transport: {  # type: ignore[method-assign]
        name: make for name, make in (offers(transport) or {}).items() if name == mechanism
    }


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_user_opens_every_channel(
    server: EmbeddedServer,
    users: UserFile,
    properties: dict[str, object],
    connect: Connect,
    mechanism: str,
) -> None:
    require_cyrus()
    offer(server, users, mechanism)
    viewer = connect(server, password="wonderland", username="alice", **properties)
    viewer.wait_opened()
    assert sorted(viewer.events("opened")) == sorted(["opened", name] for name in CHANNELS)
    viewer.quit()
    expected = len(CHANNELS)
    log = server.log.wait(lambda lines: count_refused(lines) >= expected, "links sent to TLS")
    told = [line for line in log if "refused (" in line]
    assert count_refused(told) == expected
    assert all("NEED_SECURED" in line for line in told)
    assert all(line.startswith("INFO") for line in told), "it is how viewers find the port for TLS"


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("name", "password"), [("alice", "rabbit"), ("eve", "wonderland")])
def test_nobody_else_is_let_in(
    server: EmbeddedServer,
    users: UserFile,
    properties: dict[str, object],
    connect: Connect,
    mechanism: str,
    name: str,
    password: str,
) -> None:
    require_cyrus()
    offer(server, users, mechanism)
    viewer = connect(server, password=password, username=name, **properties)
    viewer.wait_for(["error-auth", "main-0"])
    server.log.wait(lambda lines: any("PERMISSION_DENIED" in line for line in lines), "denial")
    assert viewer.events("opened") == []


def test_channels_come_over_the_transport_that_they_must(
    server: EmbeddedServer, properties: dict[str, object], connect: Connect
) -> None:
    server.call(lambda: server.reds.set_channel_security("inputs", ChannelSecurity.TLS))
    server.call(lambda: server.reds.set_channel_security("display", ChannelSecurity.TLS))
    viewer = connect(server, **properties)
    viewer.wait_opened()
    secured = {
        channel_client.channel.name: channel_client.connection.transport.tls
        for client in server.reds.clients
        for channel_client in client.channel_clients.values()
    }
    assert secured == {"main:0": False, "cursor:0": False, "display:0": True, "inputs:0": True}
