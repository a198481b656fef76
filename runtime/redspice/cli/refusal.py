"""How the command says no: one line on stderr, exit code 2."""

from __future__ import annotations

import click


class Refusal(click.ClickException):
    """What was asked for cannot be done; the message is the whole story."""

    exit_code = 2
