"""Certificates for tests: a server's, and those that viewers show."""

from __future__ import annotations

import datetime
import ssl
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from redspice.aio import tls_context
from redspice.cli.trial_certificate import TrialCertificate, make_trial_certificate


class Files(NamedTuple):
    """Where the server's certificate is, and its subject."""

    ca: Path
    certificate: Path
    key: Path
    subject: str

    def context(self) -> ssl.SSLContext:
        """The context of a server."""
        return tls_context(self.certificate, self.key)

    def viewer(self) -> ssl.SSLContext:
        """The context of a viewer that trusts the server."""
        return ssl.create_default_context(cafile=self.ca)


@cache
def trial() -> TrialCertificate:
    return make_trial_certificate(("localhost", "127.0.0.1"))


def server_files(folder: Path) -> Files:
    """A server's certificate in files."""
    made = trial()
    files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem", made.subject)
    for path, content in zip(files, made, strict=True):
        if isinstance(path, Path):
            path.write_bytes(content)
    return files


def encrypted_key(password: str) -> bytes:
    """The server's key, locked with a password."""
    key = load_pem_private_key(trial().key, None)
    locked = BestAvailableEncryption(password.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def viewer_certificate(path: Path, *names: str) -> Path:
    """A certificate with these common names that is its own CA, and its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return path
