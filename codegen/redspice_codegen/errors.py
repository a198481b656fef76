"""Errors of the generator.

    SpecError                one fault of a spec: file:line:column, the line, a caret, a hint
    └── CombinedSpecError    several faults found in one run

    BackendError             a sound spec that a backend cannot put into its language

All are shown as their text; no traceback reaches the user.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a spec: lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a spec and the name that errors give it."""

    name: str
    text: str

    def line(self, number: int) -> str:
        lines = self.text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""


class SpecError(Exception):
    """A fault in a spec, shown with its line and a caret under the column."""

    def __init__(self, source: Source, position: Position, message: str, hint: str = "") -> None:
        self.source = source
        self.position = position
        self.message = message
        self.hint = hint
        super().__init__(self.render())

    def render(self) -> str:
        where = f"{self.source.name}:{self.position.line}:{self.position.column}"
        line = self.source.line(self.position.line)
        caret = "".join(c if c == "\t" else " " for c in line[: self.position.column - 1]) + "^"
        text = f"{where}: {self.message}\n    {line}\n    {caret}"
        return f"{text}\n    {self.hint}" if self.hint else text


class BackendError(Exception):
    """A spec that is sound, but not in the language of a backend: two names become one."""


class CombinedSpecError(SpecError):
    """All faults of one run, in the order of their places."""

    def __init__(self, errors: list[SpecError]) -> None:
        self.errors = sorted(errors, key=lambda e: (e.position.line, e.position.column))
        first = self.errors[0]
        super().__init__(first.source, first.position, first.message, first.hint)

    def render(self) -> str:
        return "\n".join(error.render() for error in self.errors)
