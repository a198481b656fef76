from __future__ import annotations

from itertools import combinations
from math import gcd, isqrt
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from redspice import ticket_key
from redspice.ticket_key import EXPONENT_BITS, PUBLIC_KEY_SIZE, Modulus, TicketKey, oaep


@pytest.fixture
def key(modulus: Modulus) -> TicketKey:
    return modulus.new_key()


def public_key(key: TicketKey) -> RSAPublicKey:
    """As a viewer reads it."""
    public = load_der_public_key(key.public_bytes())
    assert isinstance(public, RSAPublicKey)
    return public


def encrypt(key: TicketKey, plain: bytes) -> bytes:
    return public_key(key).encrypt(plain, oaep())


def test_the_public_key_has_the_size_that_the_link_reply_has_room_for(modulus: Modulus) -> None:
    sizes = {len(modulus.new_key().public_bytes()) for _ in range(500)}
    assert sizes == {PUBLIC_KEY_SIZE} == {162}


def test_keys_of_a_modulus_have_exponents_of_which_none_divides_another() -> None:
    modulus = Modulus()
    numbers = [public_key(modulus.new_key()).public_numbers() for _ in range(200)]
    assert len({number.n for number in numbers}) == 1
    assert {number.e.bit_length() for number in numbers} == {EXPONENT_BITS}
    assert all(gcd(one.e, other.e) == 1 for one, other in combinations(numbers, 2))


def test_moduli_share_no_prime() -> None:
    numbers = [public_key(Modulus().new_key()).public_numbers().n for _ in range(10)]
    assert {number.bit_length() for number in numbers} == {1024}
    assert all(gcd(one, other) == 1 for one, other in combinations(numbers, 2))


def test_an_exponent_that_was_given_or_has_no_inverse_is_passed_over() -> None:
    modulus = Modulus()
    first, unfit, good = 8388593, 4194319, 8388587
    with (
        mock.patch.object(modulus, "_phi", unfit * 2**1000),
        mock.patch.object(ticket_key, "_random_prime", side_effect=[first, first, unfit, good]),
    ):
        exponents = [public_key(modulus.new_key()).public_numbers().e for _ in range(2)]
    assert exponents == [first, good]


def test_only_primes_are_exponents(monkeypatch: pytest.MonkeyPatch) -> None:
    lowest = 2 ** (EXPONENT_BITS - 1)
    square = 2887**2  # of all that are none it has the largest smallest divisor
    window = [*range(lowest + 1, lowest + 2000, 2), square, 2**EXPONENT_BITS - 15]
    primes = [n for n in window if all(n % divisor for divisor in range(2, isqrt(n) + 1))]
    drawn = iter(window)
    monkeypatch.setattr(ticket_key.secrets, "randbits", lambda bits: next(drawn) & (1 << bits) - 1)
    assert [ticket_key._random_prime() for _ in primes] == primes
    assert len(primes) > 50
    assert square not in primes
    assert next(drawn, None) is None


def test_a_modulus_is_spent_when_it_has_given_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_key, "MOST_KEYS", 3)
    modulus = Modulus()
    assert [(modulus.spent, modulus.new_key())[0] for _ in range(4)] == [False] * 3 + [True]


@pytest.mark.parametrize("plain", [b"secret\0", b"secret", b"secret\0rest"])
def test_a_ticket_holds_the_password_up_to_its_nul(key: TicketKey, plain: bytes) -> None:
    ticket = encrypt(key, plain)
    assert len(ticket) == 128
    assert key.decrypt(ticket) == b"secret"


def test_a_ticket_without_its_leading_zero_is_understood_as_browsers_send_it(
    key: TicketKey,
) -> None:
    while not (ticket := encrypt(key, b"secret\0")).startswith(b"\0"):
        pass
    assert key.decrypt(ticket[1:] + b"\0") == b"secret"
    assert key.decrypt(ticket[1:] + b"\1") is None
    assert key.decrypt(ticket) == b"secret"


@pytest.mark.parametrize("ticket", [bytes(128), b"\xff" * 128, b"", b"short"])
def test_what_is_no_ticket_is_none(key: TicketKey, ticket: bytes) -> None:
    assert key.decrypt(ticket) is None


def test_a_ticket_for_another_key_is_none(modulus: Modulus, key: TicketKey) -> None:
    ticket = encrypt(key, b"secret\0")
    assert all(modulus.new_key().decrypt(ticket) is None for _ in range(50))
    assert Modulus().new_key().decrypt(ticket) is None
    assert key.decrypt(ticket) == b"secret"


def test_a_retired_key_takes_no_ticket(key: TicketKey) -> None:
    ticket = encrypt(key, b"secret\0")
    key.retire()
    assert key.decrypt(ticket) is None


def test_the_longest_plain_text_that_fits_is_only_a_wrong_password(key: TicketKey) -> None:
    assert key.decrypt(encrypt(key, b"x" * 86)) == b"x" * 86
