"""How the command says no: one line on stderr, exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from redspice.errors import ConfigurationError


class Refusal(click.ClickException):
    """What was asked for cannot be done; the message is the whole story."""

    exit_code = 2


@contextmanager
def refusing() -> Iterator[None]:
    """What the library cannot do is told in one line."""
    try:
        yield
    except ConfigurationError as error:
        raise Refusal(str(error)) from None


class OneLineGroup(click.Group):
    """A group whose commands refuse wrong options like everything else: without their usage."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise Refusal(" ".join(error.format_message().split())) from None
