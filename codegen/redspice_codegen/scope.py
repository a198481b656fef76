"""The names that a spec has defined so far, and the errors about names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from redspice_codegen import attributes, model, syntax
from redspice_codegen.errors import Source, SpecError


class BrokenReferenceError(SpecError):
    """A use of something whose own definition is faulty: not worth an error of its own."""


class Scope:
    """Types and reusable messages share one table of names.

    `later` are the lines of all definitions of the spec, for who uses a name too early; `broken`
    the names whose definitions were faulty; `inside` the definition that is being resolved.
    """

    def __init__(
        self, source: Source, builtin: dict[str, model.Type], later: dict[str, int]
    ) -> None:
        self._source = source
        self._types: dict[str, model.Type] = dict(builtin)
        self._messages: dict[str, model.Struct] = {}
        self._later = later
        self.broken: set[str] = set()
        self.inside = ""

    def error(self, name: syntax.Name, message: str, hint: str = "") -> SpecError:
        return SpecError(self._source, name.position, message, hint)

    def unknown(
        self, name: syntax.Name, kind: str, known: Iterable[str], hint: str = ""
    ) -> SpecError:
        """The error for a name that stands for nothing, with what may have been meant."""
        close = get_close_matches(name.text, list(known), n=1)
        hint = f"did you mean {close[0]}?" if close else hint
        return self.error(name, f"unknown {kind} {name.text}", hint)

    def add(self, name: syntax.Name, definition: model.Type) -> None:
        self._check_free(name)
        self._types[name.text] = definition

    def add_message(self, name: syntax.Name, body: model.Struct) -> None:
        self._check_free(name)
        self._messages[name.text] = body

    def _check_free(self, name: syntax.Name) -> None:
        if name.text in self._types or name.text in self._messages:
            raise self.error(name, f"duplicate type {name.text}")

    def type(self, name: syntax.Name) -> model.Type:
        found = self._types.get(name.text)
        if found is None:
            raise self._undefined(name, "type", self._types)
        return found

    def message(self, name: syntax.Name) -> model.Struct:
        found = self._messages.get(name.text)
        if found is None:
            raise self._undefined(name, "message", self._messages)
        return found

    def _undefined(self, name: syntax.Name, kind: str, known: Iterable[str]) -> SpecError:
        if name.text in self.broken:
            return BrokenReferenceError(self._source, name.position, f"{name.text} is faulty")
        if name.text == self.inside:
            return self.error(name, f"{name.text} inside of {name.text}: a type cannot hold itself")
        if name.text in self._messages or name.text in self._types:
            other = "message" if kind == "type" else "type"
            return self.error(name, f"{name.text} is a {other}, not a {kind}")
        if self._later.get(name.text, 0) > name.position.line:
            hint = f"it is defined on line {self._later[name.text]}: definitions come before use"
            return self.error(name, f"{name.text} is not defined yet", hint)
        return self.unknown(name, kind, known)

    def attributes(self, given: Sequence[syntax.Attribute]) -> model.Attributes:
        """Check attributes against the table; the last of a name counts."""
        result: dict[str, tuple[str | int, ...]] = {}
        for attribute in given:
            name = syntax.Name(attribute.name, attribute.position)
            rule = attributes.RULES.get(attribute.name)
            if rule is None:
                raise self.unknown(name, "attribute", attributes.RULES)
            fewest, most = rule.arguments
            if not fewest <= len(attribute.arguments) <= most:
                wanted = str(most) if fewest == most else f"{fewest} or {most}"
                plural = "" if wanted == "1" else "s"
                given_number = len(attribute.arguments)
                text = f"@{attribute.name} takes {wanted} argument{plural}, not {given_number}"
                raise self.error(name, text)
            result[attribute.name] = attribute.arguments
        self._check_output(given)
        return result

    def _check_output(self, given: Sequence[syntax.Attribute]) -> None:
        output = {a.name: a for a in given if a.name in attributes.OUTPUT}
        if len(output) > 1:
            first, second, *_ = output.values()
            name = syntax.Name(second.name, second.position)
            raise self.error(name, f"@{first.name} and @{second.name} exclude each other")
