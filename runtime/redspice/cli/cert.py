"""`redspice cert`: a certificate authority and a server certificate, for a trial of TLS."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

import click

from redspice.cli.refusal import Refusal
from redspice.cli.trial_certificate import DAYS, TrialCertificate, make_trial_certificate

HELP = f"""Make a certificate authority and a server certificate in DIR, for a trial of TLS.

\b
Examples:
  redspice cert trial
  redspice cert trial --host desk.example.org --host 192.0.2.7

Writes ca-cert.pem for viewers, and server-cert.pem with server-key.pem for the server. They are
valid for {DAYS} days. The key of the authority is thrown away: nobody can make another certificate
that these viewers would trust.
"""

DEFAULT_HOSTS = ("localhost", "127.0.0.1", "::1")
CA, CERTIFICATE, KEY = "ca-cert.pem", "server-cert.pem", "server-key.pem"


@click.command("cert", help=HELP)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Name or address by which viewers reach the server; may be repeated, the first one names "
    f"the certificate.  [default: {', '.join(DEFAULT_HOSTS)}]",
)
@click.option("--force", is_flag=True, help="Replace the files of an earlier trial.")
def cert_command(folder: Path, hosts: tuple[str, ...], force: bool) -> None:
    hosts = hosts or DEFAULT_HOSTS
    try:
        made = make_trial_certificate(hosts)
    except ValueError as error:
        raise Refusal(str(error)) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store(folder, made, force)
    except FileExistsError as error:
        raise Refusal(f"{error.filename} is there already; --force replaces it") from None
    except OSError as error:
        raise Refusal(f"cannot write {error.filename}: {error.strerror}") from None
    explain(folder, made.subject, hosts[0])


def store(folder: Path, made: TrialCertificate, force: bool) -> None:
    """Write the three files, all or, if one is there and not to be replaced, none.

    Raises `OSError`.
    """
    contents = {
        KEY: (made.key, 0o600),
        CA: (made.ca, 0o644),
        CERTIFICATE: (made.certificate, 0o644),
    }
    for name in contents:
        if not force and os.path.lexists(folder / name):
            raise FileExistsError(None, None, str(folder / name))
    for name, (content, mode) in contents.items():
        replace(folder / name, content, mode)


def replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file under another name first, which is its owner's alone: a server that starts just
    now finds a whole file, and nobody reads a key before it has its mode. Raises `OSError`."""
    descriptor, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def explain(folder: Path, subject: str, host: str) -> None:
    """How to start the server and the viewers, as lines for a shell."""
    ca, certificate, key = (shlex.quote(str(folder / name)) for name in (CA, CERTIFICATE, KEY))
    trust = f"--spice-ca-file={ca} --spice-host-subject={shlex.quote(subject)}"
    uri = shlex.quote(f"spice://{f'[{host}]' if ':' in host else host}?tls-port=5901")
    click.echo(f"redspice serve demo --tls-port 5901 --cert {certificate} --key {key}")
    click.echo(f"remote-viewer {trust} {uri}")
    click.echo(f"spicy {trust} --uri={uri}")
