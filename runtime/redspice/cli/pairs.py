"""Options of the form NAME=VALUE that may be repeated; in a configuration file they are a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import click
from click.core import ParameterSource


class PairValue(click.ParamType[tuple[str, str]]):
    """NAME=VALUE, with one of these names and values."""

    name = "pair"

    def __init__(self, names: Collection[str], values: Collection[str]) -> None:
        self.names = names
        self.values = values

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, rest = str(value).partition("=")
        if not equals:
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        for one, known in ((name, self.names), (rest, self.values)):
            if one not in known:
                self.fail(f"{one!r} is not one of {', '.join(known)}", param, ctx)
        return name, rest


class PairOption(click.Option):
    """An option of pairs. The command line adds to those of a file, and wins for the same name."""

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Any]
    ) -> tuple[Any, ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        if source is ParameterSource.COMMANDLINE:
            value = [*(ctx.lookup_default(self.name or "") or ()), *value]
        return value, source
