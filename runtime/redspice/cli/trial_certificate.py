"""A certificate authority that signs one server certificate and is gone."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365
"""How long a trial may last."""

KEY_BITS = 2048
"""RSA of this size is what every viewer understands and OpenSSL's usual level demands."""

ORGANIZATION = "Redspice trial"

MAX_NAME = 64
"""Characters of a common name, by X.520."""


class TrialCertificate(NamedTuple):
    """What was made, in PEM."""

    ca: bytes
    certificate: bytes
    key: bytes
    subject: str
    """The subject of the server's certificate as viewers are told of it."""


def make_trial_certificate(hosts: Sequence[str]) -> TrialCertificate:
    """A certificate for a server that is reached by these names and addresses.

    Raises `ValueError` for what is no host name.
    """
    names = [_general_name(host) for host in hosts]
    ca_key, server_key = _key(), _key()
    ca_name, server_name = _name("Redspice trial CA"), _name(hosts[0])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, (), ca=True)
    certificate = _certificate(server_name, ca_name, server_key, ca_key, names, ca=False)
    return TrialCertificate(
        ca.public_bytes(Encoding.PEM),
        certificate.public_bytes(Encoding.PEM),
        server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        f"O={ORGANIZATION},CN={hosts[0]}",
    )


def _key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.removeprefix("*.").split(".")
    letters = all(label.replace("-", "").isalnum() for label in labels)
    if not host.isascii() or not letters or len(host) > MAX_NAME:
        raise ValueError(f"{host!r} is no name or address of a host")
    return x509.DNSName(host)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: RSAPrivateKey,
    signer: RSAPrivateKey,
    hosts: Sequence[x509.GeneralName],
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of two machines differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(_usage(ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not ca:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signer, SHA256())


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
