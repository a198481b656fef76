"""The command `redspice` and its subcommands."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

from redspice.cli.serve import serve_command


def installed_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("redspice")
    except PackageNotFoundError:
        return "unknown (not installed)"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(installed_version(), prog_name="redspice")
def main() -> None:
    """SPICE remote desktop for Python."""


main.add_command(serve_command)


if __name__ == "__main__":
    main()
