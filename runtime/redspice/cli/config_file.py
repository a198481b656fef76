"""`--config FILE.toml`: the options of a command in a file.

Each key is an option without its dashes, `source` the argument. A switch is true or false, an
option that may be repeated an array, one of NAME=VALUE a table. File names are relative to the
folder of the file. The command line wins, and so does the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches

import click

from redspice.cli.files import FileName
from redspice.cli.limit_options import LimitValue
from redspice.cli.pairs import PairOption
from redspice.cli.refusal import Refusal

# A password does not belong where everything else is for all to read.
ELSEWHERE = {"password": "a password belongs in a file of its own: password-file"}
NOT_HERE = ("config", "help")


def config_option() -> click.Option:
    """The option itself."""
    return click.Option(
        ["--config"],
        type=FileName(),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Options in TOML, as port = 5930; the command line wins.",
    )


def _read(context: click.Context, _: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    keys = {_key(param): param for param in context.command.get_params(context)}
    values: dict[str, object] = {}
    for key, value in _load(path).items():
        param = keys.get(key)
        if key in ELSEWHERE:
            raise Refusal(f"{path}: {ELSEWHERE[key]}")
        if param is None or key in NOT_HERE:
            close = get_close_matches(key, keys.keys() - NOT_HERE, 1)
            hint = f"; is it {close[0]!r}?" if close else ""
            raise Refusal(f"{path}: there is no option {key!r}{hint}")
        try:
            values[param.name or key] = _checked(context, param, value, os.path.dirname(path))
        except click.BadParameter as error:
            raise Refusal(f"{path}: {key}: {error.message}") from None
    context.default_map = values


def _load(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refusal(f"{path}: it is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Refusal(f"{path}: {error}") from None


def _key(param: click.Parameter) -> str:
    """How a file calls an option: by its first long name."""
    return (param.name or "").replace("_", "-")


def _checked(context: click.Context, param: click.Parameter, value: object, folder: str) -> object:
    """The value as the command line would give it. Raises `click.BadParameter`."""
    if isinstance(param, PairOption):
        if not isinstance(value, Mapping):
            raise click.BadParameter("it is a table")
        value = [f"{name}={one}" for name, one in value.items()]
    elif param.multiple:
        if not isinstance(value, list):
            raise click.BadParameter("it is an array")
        value = [_scalar(param, one, folder) for one in value]
    else:
        value = _scalar(param, value, folder)
    param.type_cast_value(context, value)
    return value


def _scalar(param: click.Parameter, value: object, folder: str) -> object:
    """One value, which has to be of its kind."""
    kinds, name = _kinds(param)
    # In Python a switch is a number, too.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise click.BadParameter(f"{value!r} is not {name}")
    if isinstance(param.type, FileName):
        return param.type.in_folder(folder, str(value))
    return value


def _kinds(param: click.Parameter) -> tuple[tuple[type, ...], str]:
    if isinstance(param, click.Option) and param.is_flag:
        return (bool,), "true or false"
    if isinstance(param.type, click.IntRange):
        return (int,), "a whole number"
    if isinstance(param.type, LimitValue):
        return (int, float), "a number"
    return (str,), "a text in quotes"
