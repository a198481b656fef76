"""TLS as a server wants it: a context that refuses what is old, and what a handshake has shown.

At least TLS 1.2, no compression and no renegotiation: with it one viewer could have the server do
handshake after handshake (CVE-2021-20201). What is wrong with certificate or key is said in one
line, and nothing ever asks for a passphrase on the terminal.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from redspice.errors import ConfigurationError

Path = str | os.PathLike[str]
Password = str | bytes | Callable[[], str | bytes]

ALWAYS = (
    ssl.OP_NO_RENEGOTIATION
    | ssl.OP_NO_COMPRESSION
    | ssl.OP_CIPHER_SERVER_PREFERENCE
    | ssl.OP_SINGLE_ECDH_USE
)


class TlsFacts(NamedTuple):
    """What is known of a connection after its handshake."""

    cipher_bits: int
    """The strength of the cipher."""
    client_certificate: str | None
    """The common name in a certificate that the client has shown and that was verified."""


def tls_context(
    certificate: Path,
    key: Path,
    *,
    password: Password | None = None,
    client_ca: Path | None = None,
    require_client_certificate: bool = False,
    ciphers: str | None = None,
    minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
) -> ssl.SSLContext:
    """A context for `serve`.

    `certificate` is a PEM file with the server's certificate and those between it and the CA,
    `key` a PEM file, with `password` if it is encrypted. Clients may show a certificate of
    `client_ca`, and must with `require_client_certificate`. `ciphers` is a list in OpenSSL's
    notation, for TLS 1.2. Raises `ConfigurationError` for files that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ALWAYS
    context.minimum_version = minimum_version
    _load_key(context, certificate, key, password)
    if client_ca is not None:
        _load_client_ca(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if require_client_certificate else ssl.CERT_OPTIONAL
    elif require_client_certificate:
        raise ConfigurationError("client certificates need a CA that has signed them")
    if ciphers is not None:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            raise ConfigurationError(f"no cipher can be selected from {ciphers!r}") from None
    return context


def tls_facts(connection: ssl.SSLObject) -> TlsFacts:
    """What the handshake of this connection has shown."""
    cipher = connection.cipher()
    certificate = connection.getpeercert() or {}  # empty unless it was verified
    fields = [field for part in certificate.get("subject", ()) for field in part]
    names = [str(field[1]) for field in fields if field[0] == "commonName"]
    # Who has several names could be taken for somebody else.
    return TlsFacts(cipher[2] if cipher else 0, names[0] if len(names) == 1 else None)


def _load_key(
    context: ssl.SSLContext, certificate: Path, key: Path, password: Password | None
) -> None:
    answers: list[bytes] = []

    def answer() -> bytes:
        given = password() if callable(password) else password or b""
        answers.append(given.encode() if isinstance(given, str) else given)
        return answers[-1]

    _check_readable("certificate", certificate)
    _check_readable("key", key)
    try:
        context.load_cert_chain(certificate, key, answer)
    except (ssl.SSLError, ValueError) as error:
        if answers and password is None:
            raise ConfigurationError(f"key {os.fspath(key)!r} needs a password") from None
        reason = _diagnose(certificate, key, answers[-1] if answers else None)
        raise ConfigurationError(reason or f"TLS: {error}") from None


def _diagnose(certificate: Path, key: Path, password: bytes | None) -> str | None:
    """What is wrong with the files; OpenSSL says little more than that something is."""
    with open(certificate, "rb") as file:
        try:
            first = load_pem_x509_certificates(file.read())[0]
        except ValueError:
            return f"certificate {os.fspath(certificate)!r}: holds no certificate in PEM"
    with open(key, "rb") as file:
        try:
            private = load_pem_private_key(file.read(), password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            reason = "holds no key in PEM" if password is None else "the password does not open it"
            return f"key {os.fspath(key)!r}: {reason}"
    if private.public_key() != first.public_key():
        return (
            f"key {os.fspath(key)!r} does not belong to the certificate {os.fspath(certificate)!r}"
        )
    return None


def _load_client_ca(context: ssl.SSLContext, client_ca: Path) -> None:
    _check_readable("client CA", client_ca)
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError:
        raise ConfigurationError(
            f"client CA {os.fspath(client_ca)!r}: holds no certificate in PEM"
        ) from None


def _check_readable(what: str, path: Path) -> None:
    """OpenSSL names neither the file nor which of the two it was."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigurationError(f"{what} {os.fspath(path)!r}: {error.strerror}") from None
