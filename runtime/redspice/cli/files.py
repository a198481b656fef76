"""Options that name files; in a configuration file their values are relative to its folder."""

from __future__ import annotations

import os

import click

from redspice.aio.addresses import ABSTRACT
from redspice.cli.source import IMAGE_PREFIX

STDIN = "-"


class FileName(click.ParamType[str]):
    """The name of a file."""

    name = "file"

    def in_folder(self, folder: str, value: str) -> str:
        """The same file, for who is in another folder than the one who wrote its name."""
        return value if value == STDIN else os.path.join(folder, value)


class SocketName(FileName):
    """The name of a unix socket; an abstract one is in no folder."""

    name = "path"

    def in_folder(self, folder: str, value: str) -> str:
        return value if value.startswith(ABSTRACT) else super().in_folder(folder, value)


class SourceName(FileName):
    """The SOURCE argument, which may name a picture."""

    name = "source"

    def in_folder(self, folder: str, value: str) -> str:
        if not value.startswith(IMAGE_PREFIX):
            return value
        return IMAGE_PREFIX + super().in_folder(folder, value.removeprefix(IMAGE_PREFIX))
