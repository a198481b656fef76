from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from redspice.errors import ConfigurationError
from redspice.ticket import Ticket, TicketKey, oaep


@pytest.fixture(scope="module")
def key() -> TicketKey:
    return TicketKey()


def encrypt(key: TicketKey, plain: bytes) -> bytes:
    public = load_der_public_key(key.public_bytes())
    assert isinstance(public, RSAPublicKey)
    return public.encrypt(plain, oaep())


def test_the_public_key_has_the_size_that_the_link_reply_has_room_for(key: TicketKey) -> None:
    assert len(key.public_bytes()) == 162


@pytest.mark.parametrize("plain", [b"secret\0", b"secret", b"secret\0rest"])
def test_a_ticket_holds_the_password_up_to_its_nul(key: TicketKey, plain: bytes) -> None:
    ticket = encrypt(key, plain)
    assert len(ticket) == 128
    assert key.decrypt(ticket) == b"secret"


def test_a_ticket_without_its_leading_zero_is_understood_as_browsers_send_it() -> None:
    key = TicketKey()
    while not (ticket := encrypt(key, b"secret\0")).startswith(b"\0"):
        pass
    assert key.decrypt(ticket[1:] + b"\0") == b"secret"
    assert key.decrypt(ticket) == b"secret"


@pytest.mark.parametrize("ticket", [bytes(128), b"\xff" * 128, b"", b"short"])
def test_what_is_no_ticket_is_none(key: TicketKey, ticket: bytes) -> None:
    assert key.decrypt(ticket) is None


def test_a_retired_key_takes_no_ticket() -> None:
    key = TicketKey()
    ticket = encrypt(key, b"secret\0")
    key.retire()
    assert key.decrypt(ticket) is None


def test_a_ticket_for_another_key_is_none(key: TicketKey) -> None:
    assert key.decrypt(encrypt(TicketKey(), b"secret\0")) is None


def test_the_longest_plain_text_that_fits_is_only_a_wrong_password(key: TicketKey) -> None:
    password = key.decrypt(encrypt(key, b"x" * 86))
    assert password == b"x" * 86
    assert not Ticket(b"x" * 60).admits(password, 0)


@pytest.mark.parametrize(
    ("ticket", "password", "now", "admitted"),
    [
        (Ticket(b"right"), b"right", 0, True),
        (Ticket(b"right"), b"wrong", 0, False),
        (Ticket(b"right"), b"righ", 0, False),
        (Ticket(b"right"), b"", 0, False),
        (Ticket(b""), b"", 0, False),
        (Ticket(b"right", expires=10), b"right", 10, True),
        (Ticket(b"right", expires=10), b"right", 10.1, False),
    ],
)
def test_who_is_admitted(ticket: Ticket, password: bytes, now: float, admitted: bool) -> None:
    assert ticket.admits(password, now) is admitted


def test_a_password_has_at_most_sixty_bytes_and_no_nul() -> None:
    Ticket(b"x" * 60)
    with pytest.raises(ConfigurationError, match="61 bytes, at most 60"):
        Ticket(b"x" * 61)
    with pytest.raises(ConfigurationError, match="contains a NUL"):
        Ticket(b"a\0b")


def test_no_repr_shows_the_password(key: TicketKey) -> None:
    ticket = Ticket(b"secret", 5)
    assert "secret" not in repr(ticket) + str(ticket)
    with pytest.raises(ConfigurationError) as caught:
        Ticket(b"secret" * 11)
    assert "secret" not in str(caught.value)
