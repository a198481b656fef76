from __future__ import annotations

import pytest

from redspice.errors import ConfigurationError
from redspice.ticket import Ticket


@pytest.mark.parametrize(
    ("ticket", "password", "now", "admitted"),
    [
        (Ticket(b"right"), b"right", 0, True),
        (Ticket(b"right"), b"wrong", 0, False),
        (Ticket(b"right"), b"righ", 0, False),
        (Ticket(b"right"), b"", 0, False),
        (Ticket(b"x" * 60), b"x" * 86, 0, False),
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


def test_no_repr_shows_the_password() -> None:
    ticket = Ticket(b"secret", 5)
    assert "secret" not in repr(ticket) + str(ticket)
    with pytest.raises(ConfigurationError) as caught:
        Ticket(b"secret" * 11)
    assert "secret" not in str(caught.value)
