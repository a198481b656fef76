"""SCRAM, message by message: what the standards say, and what a real viewer says."""

from __future__ import annotations

from base64 import b64decode

import pytest

from redspice.errors import LinkError
from redspice.sasl.scram import Scram
from redspice.sasl.users import ScramSecret, Users
from redspice_protocol.enums import LinkErr


class OneUser(Users):
    """Knows one user by one mechanism."""

    def __init__(self, name: str, password: str, mechanism: str, salt: str) -> None:
        self._key = (name, mechanism)
        self._secret = ScramSecret.make(password, mechanism, iterations=4096, salt=b64decode(salt))

    def find(self, name: str, mechanism: str) -> ScramSecret | None:
        return self._secret if (name, mechanism) == self._key else None


# Mechanism, users, nonce of the server; then what viewer and server say in turn.
RFC_7677 = (
    "SCRAM-SHA-256",
    OneUser("user", "pencil", "SCRAM-SHA-256", "W22ZaJ0SNY7soEsUEjb6gQ=="),
    "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
# A viewer on spice-gtk 0.42 at a QEMU 7.2: it names itself as the identity to act for.
SPICE_GTK = (
    "SCRAM-SHA-256",
    OneUser(
        "tester@qemu", "throwaway2", "SCRAM-SHA-256", "g3QOT5HztsX7m2BQ7ThWfqdtoYFwbYaQY8nUSHDBpho="
    ),
    "FptbG9RELdzCz8KdlZP0QDoOHqeDRGnH",
    "n,a=tester@qemu,n=tester@qemu,r=KqDnaOB3VVO/2kzxSer34ko+1FvyD9Ck",
    "r=KqDnaOB3VVO/2kzxSer34ko+1FvyD9CkFptbG9RELdzCz8KdlZP0QDoOHqeDRGnH,"
    "s=g3QOT5HztsX7m2BQ7ThWfqdtoYFwbYaQY8nUSHDBpho=,i=4096",
    "c=bixhPXRlc3RlckBxZW11LA==,"
    "r=KqDnaOB3VVO/2kzxSer34ko+1FvyD9CkFptbG9RELdzCz8KdlZP0QDoOHqeDRGnH,"
    "p=DQo4D/tPi1UYqzPNZhABMGDJCqtf5B3U3xE86wO44qA=",
    "v=Q+6ZdUgT/n2UZo5lpV5f727J1D0BBFv+h6jvkCMtQvY=",
)
# RFC 5802 section 5.
RFC_5802 = (
    "SCRAM-SHA-1",
    OneUser("user", "pencil", "SCRAM-SHA-1", "QSXCR+Q6sek8bf92"),
    "3rfcNHYJY1ZVvWVs7j",
    "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
Dialogue = tuple[str, OneUser, str, str, str, str, str]


@pytest.mark.parametrize("dialogue", [RFC_7677, RFC_5802, SPICE_GTK], ids=["7677", "5802", "gtk"])
def test_a_known_dialogue_goes_as_it_went(dialogue: Dialogue) -> None:
    mechanism, users, nonce, first, challenge, proof, end = dialogue
    scram = Scram(mechanism, users, nonce)
    answer = scram.step(first.encode())
    assert (answer.reply, answer.user) == (challenge.encode(), None)
    answer = scram.step(proof.encode())
    assert (answer.reply, answer.user, answer.check) == (end.encode(), users._key[0], None)


@pytest.mark.parametrize("dialogue", [RFC_7677, RFC_5802, SPICE_GTK], ids=["7677", "5802", "gtk"])
def test_a_proof_of_another_dialogue_is_none(dialogue: Dialogue) -> None:
    mechanism, users, nonce, first, _, proof, _ = dialogue
    scram = Scram(mechanism, users)
    scram.step(first.encode())
    assert_denied(scram, proof)
    scram = Scram(mechanism, users, nonce[:-1] + "x")
    scram.step(first.encode())
    assert_denied(scram, proof.replace(nonce, nonce[:-1] + "x"))


def test_a_header_must_come_back_as_it_was() -> None:
    """Else somebody on the way could take the identity out, or a wish for channel binding."""
    mechanism, users, nonce, first, _, proof, _ = SPICE_GTK
    for changed in (first.replace("n,a=tester@qemu,", "n,,"), first.replace("n,a", "y,a", 1)):
        scram = Scram(mechanism, users, nonce)
        scram.step(changed.encode())
        assert_denied(scram, proof)


def test_an_identity_is_compared_as_it_is_written() -> None:
    users = OneUser("a,b=c", "secret", "SCRAM-SHA-256", "c2FsdHNhbHRzYWx0")
    for identity, good in (("a=a=2Cb=3Dc", True), ("a=a=2Cb=3Dd", False), ("", True)):
        scram = Scram("SCRAM-SHA-256", users)
        first = f"n,{identity},n=a=2Cb=3Dc,r=abc"
        if good:
            assert scram.step(first.encode()).reply is not None
        else:
            assert_denied(scram, first)


def test_every_dialogue_has_a_nonce_of_its_own() -> None:
    replies = set()
    for _ in range(3):
        scram = Scram("SCRAM-SHA-256", SPICE_GTK[1])
        replies.add(scram.step(SPICE_GTK[3].encode()).reply)
    assert len(replies) == 3


def assert_denied(scram: Scram, message: str) -> None:
    with pytest.raises(LinkError) as caught:
        scram.step(message.encode())
    assert caught.value.code == LinkErr.PERMISSION_DENIED
