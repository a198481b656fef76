"""`redspice users`: who may come in by SASL, in a file."""

from __future__ import annotations

import click

from redspice.cli.passwords import ask_password, first_line
from redspice.cli.refusal import Refusal, refusing
from redspice.sasl.user_file import UserFile, add_user, remove_user

HELP = """Who may come in by SASL: users in FILE.

The file holds salted hashes, no passwords, and is for its owner alone (mode 0600); a server
notices when it changes.

\b
Examples:
  redspice users add users.txt alice
  redspice users add users.txt bob --password-file bob.txt
  pwgen 20 1 | redspice users add users.txt carol --password-file -
  redspice users add users.txt dave --certificate
  redspice users list users.txt
  redspice users remove users.txt bob
"""


@click.group("users", help=HELP)
def users_command() -> None:
    pass


@users_command.command("add")
@click.argument("file", type=click.Path(dir_okay=False))
@click.argument("name")
@click.option(
    "--password-file",
    metavar="FILE",
    help="Take the password from the first line of a file, or of stdin with -.",
)
@click.option(
    "--certificate",
    is_flag=True,
    help="No password: the user has a client certificate with NAME as its common name.",
)
def add_command(file: str, name: str, password_file: str | None, certificate: bool) -> None:
    """Add user NAME to FILE, or give the user a new password. Asks for it unless told."""
    if certificate and password_file is not None:
        raise Refusal("a user has either a password or a certificate")
    password = None
    if not certificate:
        password = ask_password() if password_file is None else first_line(password_file)
    with refusing():
        known = add_user(file, name, password)
    click.echo(f"{name}: {'changed' if known else 'added'}", err=True)


@users_command.command("remove")
@click.argument("file", type=click.Path(dir_okay=False))
@click.argument("name")
def remove_command(file: str, name: str) -> None:
    """Remove user NAME from FILE. Who is connected stays connected."""
    with refusing():
        remove_user(file, name)
    click.echo(f"{name}: removed", err=True)


@users_command.command("list")
@click.argument("file", type=click.Path(dir_okay=False))
def list_command(file: str) -> None:
    """Print the names in FILE, one a line."""
    with refusing():
        names = UserFile(file).names()
    for name in names:
        click.echo(name)
