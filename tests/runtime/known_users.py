"""Users for tests, whose passwords are hashed no more often than they must be."""

from __future__ import annotations

from redspice.sasl.users import MIN_ITERATIONS, SCRAM_MECHANISMS, ScramSecret, Users

ALICE, BOB = ("alice", "wonderland"), ("bob", "sponge")


class KnownUsers(Users):
    """Alice and Bob have passwords, Carol a certificate."""

    decoy_seed = bytes(32)

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self._secrets = {
            (name, mechanism): ScramSecret.make(
                password, mechanism, iterations=MIN_ITERATIONS, salt=b"salt of the test"
            )
            for name, password in (ALICE, BOB)
            for mechanism in SCRAM_MECHANISMS
        }

    def find(self, name: str, mechanism: str) -> ScramSecret | None:
        self.asked.append((name, mechanism))
        return self._secrets.get((name, mechanism))

    def admits_certificate(self, name: str) -> bool:
        return name == "carol"
