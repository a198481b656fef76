"""Where viewers are sent to."""

from __future__ import annotations

from typing import NamedTuple, Self

from redspice import checks
from redspice.errors import ConfigurationError
from redspice_protocol.main import MsgMainMigrateSwitchHost
from redspice_protocol.structs import DstInfo

# What viewers take for no port. The reference server writes 65535, and then those that are to come
# over TLS alone try that first, and fail.
NO_PORT = 0
PORTS = range(1, 0x10000)
# A name in the DNS has no more bytes, and certificates hold shorter subjects.
MAX_HOST_SIZE = 255
MAX_SUBJECT_SIZE = 1024


class Destination(NamedTuple):
    """Where viewers are sent to, as messages have it."""

    host: bytes
    port: int
    secure_port: int
    cert_subject: bytes | None

    @classmethod
    def of(
        cls, host: str, port: int | None, secure_port: int | None, cert_subject: str | None
    ) -> Self:
        """Raises `ConfigurationError` for what cannot be a destination."""
        if port is None and secure_port is None:
            raise ConfigurationError("a migration needs a port or a secure port")
        return cls(
            _text("host", host, MAX_HOST_SIZE),
            _port("port", port),
            _port("secure port", secure_port),
            None if cert_subject is None else _text("subject", cert_subject, MAX_SUBJECT_SIZE),
        )

    def info(self) -> DstInfo:
        return DstInfo(self.port, self.secure_port, self.host, self.cert_subject)

    def switch(self) -> MsgMainMigrateSwitchHost:
        return MsgMainMigrateSwitchHost(self.port, self.secure_port, self.host, self.cert_subject)


def _text(what: str, text: str, most: int) -> bytes:
    data = checks.text(what, text)
    if not 0 < len(data) <= most:
        raise ConfigurationError(f"a {what} of {len(data)} bytes, 1 to {most} are possible")
    return data + b"\0"


def _port(what: str, port: int | None) -> int:
    if port is None:
        return NO_PORT
    (number,) = checks.whole(what, port)
    if number not in PORTS:
        raise ConfigurationError(f"{what} {number} is not in {PORTS[0]}..{PORTS[-1]}")
    return number
