"""A command whose options come in sections, in its code as in its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import click


class Section(NamedTuple):
    """Options that belong together."""

    title: str
    options: tuple[click.Option, ...]


class SectionedCommand(click.Command):
    """A command with `sections` besides the options of its own."""

    def __init__(self, *arguments: Any, sections: Sequence[Section], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.sections = sections
        for section in sections:
            self.params += section.options

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        elsewhere = {id(option) for section in self.sections for option in section.options}
        own = [param for param in self.get_params(ctx) if id(param) not in elsewhere]
        for title, options in (("Options", own), *self.sections):
            records = [
                each.get_help_record(ctx) for each in options if isinstance(each, click.Option)
            ]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record is not None])
