"""The command `redspice` and its subcommands."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

from redspice.cli.cert import cert_command
from redspice.cli.codecs import codecs_group
from redspice.cli.refusal import OneLineGroup
from redspice.cli.serve import serve_command
from redspice.cli.top import top_command
from redspice.cli.users import users_command


def installed_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("redspice")
    except PackageNotFoundError:
        return "unknown (not installed)"


@click.group(cls=OneLineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(installed_version(), prog_name="redspice")
def main() -> None:
    """SPICE remote desktop for Python."""


main.add_command(serve_command)
main.add_command(cert_command)
main.add_command(codecs_group)
main.add_command(users_command)
main.add_command(top_command)


if __name__ == "__main__":
    main()
