"""Names of sockets, and whose connections are counted together."""

from __future__ import annotations

import socket

import pytest

from redspice.aio import TcpAddress, TlsAddress
from redspice.aio.addresses import Peer, SocketName, peer_of


def test_addresses_of_ipv6_have_brackets() -> None:
    assert str(TcpAddress("::1", 1)) == "[::1]:1"
    assert str(TlsAddress("127.0.0.1", 1)) == "127.0.0.1:1"


@pytest.mark.parametrize(
    ("family", "name", "peer"),
    [
        (socket.AF_INET, ("192.0.2.7", 5), Peer("192.0.2.7:5", False, "192.0.2.7")),
        (socket.AF_INET6, ("::1", 5, 0, 0), Peer("[::1]:5", False, "::1")),
        (socket.AF_UNIX, "", Peer("unix", True, None)),
        (socket.AF_UNIX, b"\0name", Peer("unix", True, None)),
    ],
)
def test_a_peer_is_named_for_logs(family: int, name: SocketName, peer: Peer) -> None:
    with socket.socket(family) as sock:
        assert peer_of(sock, name) == peer


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        (None, "unix"),
    ],
)
def test_hosts_that_one_party_controls_are_one_network(address: str | None, network: str) -> None:
    assert Peer("unix", address is None, address).network == network
