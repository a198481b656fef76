"""Passwords for the command: from a file or from whoever sits at the terminal."""

from __future__ import annotations

import sys

import click

from redspice.cli.refusal import Refusal

# A password is one line; what is longer is the wrong file.
MAX_PASSWORD_FILE = 4096


def ask_password() -> str:
    """Asked for twice and not shown. Raises `Refusal` if there is nobody to ask."""
    if not has_terminal():
        raise Refusal("no terminal to ask for the password: use --password-file")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def has_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def first_line(path: str) -> str:
    """The first line of a file, or of stdin for `-`. Raises `Refusal` if there is none."""
    try:
        with click.open_file(path, encoding="utf-8") as file:
            line = str(file.readline(MAX_PASSWORD_FILE)).rstrip("\r\n")
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refusal(f"cannot read {path}: it is not text in UTF-8") from None
    if not line:
        raise Refusal(f"the password is empty: nothing in the first line of {path}")
    return line
