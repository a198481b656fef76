"""Sockets that systemd has bound: which are taken, for what, and what is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from redspice.aio import activated_sockets, activation
from redspice.errors import ConfigurationError

Descriptors = list[int]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Descriptors]:
    """Descriptors of listening sockets, one after the other, as systemd hands them over."""
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first = max(sock.fileno() for sock in socks) + 100
    descriptors = [first + number for number in range(len(socks))]
    for sock, descriptor in zip(socks, descriptors, strict=True):
        os.dup2(sock.fileno(), descriptor, inheritable=True)
        sock.close()
    monkeypatch.setattr(activation, "FIRST", first)
    yield descriptors
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:  # closed by the test
            continue


def environment(count: object, names: str | None = None, pid: object = None) -> dict[str, str]:
    given = {"LISTEN_PID": str(os.getpid() if pid is None else pid), "LISTEN_FDS": str(count)}
    return given | {"OTHER": "kept"} | ({} if names is None else {"LISTEN_FDNAMES": names})


def test_sockets_are_taken_by_their_names(handed: Descriptors) -> None:
    given = environment(3, "spice:tls:unknown")
    found = activated_sockets(given)
    try:
        assert [sock.fileno() for sock in found.plain] == [handed[0], handed[2]]
        assert [sock.fileno() for sock in found.tls] == [handed[1]]
        assert not any(os.get_inheritable(descriptor) for descriptor in handed)
        assert given == {"OTHER": "kept"}
    finally:
        for sock in (*found.plain, *found.tls):
            sock.close()


def test_sockets_without_names_are_plain(handed: Descriptors) -> None:
    found = activated_sockets(environment(1))
    assert [sock.fileno() for sock in found.plain] == handed[:1]
    assert found.tls == []
    found.plain[0].close()


@pytest.mark.parametrize("given", [{}, environment(3, pid=1)], ids=["none", "of another process"])
def test_without_sockets_there_are_none(given: dict[str, str]) -> None:
    assert activated_sockets(given) == ([], [])
    assert not [name for name in given if name.startswith("LISTEN_")]


@pytest.mark.parametrize("count", ["", "-1", "x", "65", "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_count_that_is_none_is_refused(count: str) -> None:
    with pytest.raises(ConfigurationError, match="LISTEN_FDS"):
        activated_sockets(environment(count))


def test_a_descriptor_that_does_not_listen_is_refused_and_left_alone(handed: Descriptors) -> None:
    with socket.socket() as unbound, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        for sock in (unbound, datagrams):
            os.dup2(sock.fileno(), handed[0])
            with pytest.raises(ConfigurationError, match="does not listen for streams"):
                activated_sockets(environment(1))
            os.fstat(handed[0])


def test_a_descriptor_that_is_no_socket_is_refused(handed: Descriptors) -> None:
    os.close(handed[0])
    with pytest.raises(ConfigurationError, match=f"{handed[0]} is no socket"):
        activated_sockets(environment(1))
