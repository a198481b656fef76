"""The options of `redspice serve` for its limits: one for each field of `Limits`."""

from __future__ import annotations

from typing import Any

import click

from redspice.cli.sections import Section
from redspice.errors import ConfigurationError
from redspice.limits import LIMITS, Limit, Limits

KEY = "redspice.limits"


class LimitValue(click.ParamType[float | None]):
    """A number that this limit can be."""

    name = "number"

    def __init__(self, limit: Limit) -> None:
        self.limit = limit

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if isinstance(value, str):
            value = self._parse(value, param, ctx)
        try:
            self.limit.check(value)
        except ConfigurationError as error:
            self.fail(str(error).removeprefix(f"{self.limit.name}: "), param, ctx)
        number: float | None = value
        return number

    def _parse(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return int(value) if self.limit.whole else float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of {self.limit.unit}", param, ctx)


def limits_of(context: click.Context) -> Limits:
    """What the options say. Raises `ConfigurationError` for limits that do not fit each other."""
    return Limits(**context.meta[KEY])


def _keep(context: click.Context, option: click.Parameter, value: float | None) -> None:
    context.meta.setdefault(KEY, {})[option.name] = value


def _option(limit: Limit) -> click.Option:
    default = "" if limit.default is not None else "  [default: no limit]"
    return click.Option(
        [f"--{limit.name.replace('_', '-')}"],
        type=LimitValue(limit),
        metavar=limit.unit.upper(),
        default=limit.default,
        show_default=limit.default is not None,
        help=limit.bounds + default,
        expose_value=False,
        callback=_keep,
    )


LIMIT_OPTIONS = Section("Limits", tuple(map(_option, LIMITS.values())))
