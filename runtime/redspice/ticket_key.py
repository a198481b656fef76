"""RSA keys for tickets: a modulus now and then, and for each link an exponent of its own.

To find two primes takes 10 ms, as long as some ten links, and a server that is flooded is asked for
hundreds of keys a second. So the primes serve for a while, and what a link gets is a public
exponent that no other link with this modulus has.

A ticket is m^e, where m is the password padded by OAEP, at random. Whoever could make of it the m^f
for the key of another link would have m, by Bezout from a e + b f = 1, as e and f are primes: that
is to break RSA. Another padding of the same password would do as well, and that is what OAEP rules
out. For the same reason nothing is learned by tickets of one's own making on other links, which the
server answers with yes or no. What is asked of a viewer is that its random bytes do not repeat:
one m under two exponents gives m away.

The exponents are chosen at random, lest a gap in their order tell what divides p - 1 or q - 1.
`docs/authentication.md` has the argument for users.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from math import gcd, isqrt, prod

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_BITS = 1024
PUBLIC_KEY_SIZE = 162
TICKET_SIZE = KEY_BITS // 8

# As many as the link reply has room for: three bytes, without the sign. There are 268 216 primes of
# this length.
EXPONENT_BITS = 23

# Keys of one modulus: with so many the next exponent is a new one three times of four.
MOST_KEYS = 2**16

# A number of that length that has no divisor in common with this one is a prime.
DIVISORS = prod(range(3, isqrt(2**EXPONENT_BITS) + 1, 2))


def oaep() -> padding.OAEP:
    """The padding of tickets, both ways."""
    return padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA1(), label=None)


class Modulus:
    """Two secret primes. To make one takes 10 ms; the keys of it cost next to nothing."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        numbers = key.private_numbers()
        self._p, self._q, self._iqmp = numbers.p, numbers.q, numbers.iqmp
        self._n = numbers.public_numbers.n
        self._phi = (numbers.p - 1) * (numbers.q - 1)
        self._given: set[int] = set()

    @property
    def spent(self) -> bool:
        """Whether another one has to follow, as this one has no more keys."""
        return len(self._given) >= MOST_KEYS

    def new_key(self) -> TicketKey:
        """A key with an exponent that no other one has."""
        exponent = _random_prime()
        while exponent in self._given or self._phi % exponent == 0:
            exponent = _random_prime()
        self._given.add(exponent)
        return TicketKey(self, exponent)

    def public_key(self, exponent: int) -> rsa.RSAPublicKey:
        """What a viewer encrypts with."""
        return rsa.RSAPublicNumbers(exponent, self._n).public_key()

    def private_key(self, exponent: int) -> rsa.RSAPrivateKey:
        """What decrypts that."""
        d = self._inverse(exponent)
        numbers = rsa.RSAPrivateNumbers(
            self._p,
            self._q,
            d,
            rsa.rsa_crt_dmp1(d, self._p),
            rsa.rsa_crt_dmq1(d, self._q),
            self._iqmp,
            rsa.RSAPublicNumbers(exponent, self._n),
        )
        # To look again whether p and q are primes takes 6 ms.
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)

    def _inverse(self, prime: int) -> int:
        """The d with prime * d = 1 modulo phi, by Fermat: the steps of Euclid's algorithm, and so
        its time, would depend on phi."""
        factor = pow(-self._phi % prime, prime - 2, prime)
        return (1 + self._phi * factor) // prime


class TicketKey:
    """A key pair, for one link where a password crosses a plain socket."""

    def __init__(self, modulus: Modulus, exponent: int) -> None:
        self._modulus = modulus
        self._exponent = exponent
        self._retired = False

    def public_bytes(self) -> bytes:
        """The 162 bytes of a DER SubjectPublicKeyInfo."""
        key = self._modulus.public_key(self._exponent)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def decrypt(self, ticket: bytes) -> bytes | None:
        """The password in a ticket of 128 bytes, without its NUL; None if it is no ticket."""
        if self._retired:
            return None
        plain = self._plain(ticket)
        # spice-html5 sends a number that begins with a zero byte without it, and the zero at the
        # end: one link of 256, so that one page of 64 would lack a channel.
        if plain is None and ticket.endswith(b"\0"):
            plain = self._plain(b"\0" + ticket[:-1])
        return None if plain is None else plain.split(b"\0", 1)[0]

    def retire(self) -> None:
        """Take no ticket any more."""
        self._retired = True

    @cached_property
    def _private(self) -> rsa.RSAPrivateKey:
        return self._modulus.private_key(self._exponent)

    def _plain(self, ticket: bytes) -> bytes | None:
        try:
            return self._private.decrypt(ticket, oaep())
        except ValueError:
            return None


def _random_prime() -> int:
    """A prime of EXPONENT_BITS."""
    while True:
        candidate = 1 << EXPONENT_BITS - 1 | secrets.randbits(EXPONENT_BITS - 1) | 1
        if gcd(candidate, DIVISORS) == 1:
            return candidate
