"""Jinja with the settings that every backend shares: a typo in a template fails."""

from __future__ import annotations

import textwrap
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"
WIDTH = 100


class Renderer:
    """Renders the templates of one backend; `source` is how generated files call the spec."""

    def __init__(self, backend: str, source: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES / backend),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters["docstring"] = docstring
        self._environment.filters["comment"] = comment
        self._environment.filters["wordlines"] = textwrap.wrap
        self._environment.globals["source"] = source

    def __call__(self, template: str, **content: object) -> str:
        return self._environment.get_template(template).render(**content)


def docstring(text: str, indent: int = 4) -> str:
    """The text as a docstring, filled to the width."""
    pad = " " * indent
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    if text.endswith('"'):
        text += " "
    if "\n" not in text and len(pad) + len(text) + 6 <= WIDTH:
        return f'{pad}"""{text}"""'
    lines = [line for paragraph in _paragraphs(text) for line in [*_fill(paragraph, pad), ""]]
    if len(lines) == 2:  # fits a line, but not with its quotes
        lines = [*textwrap.wrap(text, WIDTH - 6, initial_indent=pad, subsequent_indent=pad), ""]
    first = lines[0].removeprefix(pad)
    return "\n".join([f'{pad}"""{first}', *lines[1:-1], f'{pad}"""'])


def comment(text: str, indent: int = 4, mark: str = "#:") -> str:
    """The text as comment lines, filled to the width."""
    pad = " " * indent + mark + " "
    words = " ".join(text.split())
    return "\n".join(textwrap.wrap(words, WIDTH, initial_indent=pad, subsequent_indent=pad))


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _fill(text: str, pad: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - 3, initial_indent=pad, subsequent_indent=pad)
