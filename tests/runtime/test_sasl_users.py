"""What is kept of a password, and the names that nobody has."""

from __future__ import annotations

import pytest

from redspice.errors import ConfigurationError
from redspice.sasl.users import (
    ITERATIONS,
    MAX_ITERATIONS,
    MIN_ITERATIONS,
    SALT_SIZE,
    SCRAM_MECHANISMS,
    ScramSecret,
    Users,
    key_size,
    normal_name,
)


class Nobody(Users):
    """Knows no user."""

    def find(self, name: str, mechanism: str) -> ScramSecret | None:
        return None


@pytest.mark.parametrize("mechanism", SCRAM_MECHANISMS)
def test_a_secret_is_of_one_password(mechanism: str) -> None:
    secret = ScramSecret.make("pässword", mechanism, iterations=MIN_ITERATIONS)
    assert secret.is_of("pässword", mechanism)
    assert not secret.is_of("password", mechanism)
    assert not secret.is_of("", mechanism)
    assert not secret.is_of("\x07", mechanism)
    assert len(secret.stored_key) == len(secret.server_key) == key_size(mechanism)


def test_salts_are_new_and_iterations_the_usual() -> None:
    one, other = (ScramSecret.make("same", "SCRAM-SHA-1") for _ in range(2))
    assert one.salt != other.salt
    assert one.stored_key != other.stored_key
    assert (len(one.salt), one.iterations) == (SALT_SIZE, ITERATIONS)
    assert MIN_ITERATIONS < ITERATIONS < MAX_ITERATIONS


@pytest.mark.parametrize("password", ["", "\xad", "a\x07b", "\ud800"])
def test_a_password_that_cannot_be_typed_is_refused(password: str) -> None:
    with pytest.raises(ConfigurationError, match="the password") as caught:
        ScramSecret.make(password, "SCRAM-SHA-256")
    assert "a\x07b" not in str(caught.value)


def test_a_name_that_nobody_has_gets_the_same_secret_again() -> None:
    users, others = Nobody(), Nobody()
    known, eve = users.find_or_decoy("eve", "SCRAM-SHA-256")
    assert not known
    assert users.find_or_decoy("eve", "SCRAM-SHA-256") == (False, eve)
    assert (len(eve.salt), eve.iterations) == (SALT_SIZE, ITERATIONS)
    for name, mechanism in (("eva", "SCRAM-SHA-256"), ("eve", "SCRAM-SHA-1")):
        assert users.find_or_decoy(name, mechanism)[1].salt != eve.salt
    assert others.find_or_decoy("eve", "SCRAM-SHA-256")[1].salt != eve.salt


@pytest.mark.parametrize("mechanism", SCRAM_MECHANISMS)
def test_no_password_is_that_of_nobody(mechanism: str) -> None:
    _, decoy = Nobody().find_or_decoy("eve", mechanism)
    assert len(decoy.stored_key) == key_size(mechanism)
    assert not decoy.is_of("password", mechanism)


def test_certificates_are_for_users_that_say_so() -> None:
    assert not Nobody().admits_certificate("eve")


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("alice", "alice"),
        ("Alice", "Alice"),
        ("a\u00adb", "ab"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
    ],
)
def test_a_name_has_one_form(name: str, normal: str) -> None:
    assert normal_name(name) == normal


@pytest.mark.parametrize("name", ["", "\u00ad", "a\nb", "\ud800", "x" * 256, "ü" * 128])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="user name"):
        normal_name(name)
    assert normal_name("ü" * 127) == "ü" * 127


def test_no_repr_shows_a_secret() -> None:
    secret = ScramSecret(4096, b"the salt", b"stored", b"server")
    assert repr(secret) == "ScramSecret(iterations=4096)"
