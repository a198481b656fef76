"""Breaks long lines of Python as `ruff format` would, so that output needs no formatter."""

from __future__ import annotations

import re

WIDTH = 100

_OPEN, _CLOSE = "([{", ")]}"


def wrap(text: str) -> str:
    """Wrap every line of a generated file that is longer than WIDTH."""
    return "\n".join(_fit(line) for line in text.split("\n"))


def _fit(line: str) -> str:
    stripped = line.lstrip(" ")
    if len(line) <= WIDTH or stripped.startswith(("#", '"""')):
        return line
    indent = " " * (len(line) - len(stripped))
    statement, mark, note = stripped.partition(":  # ")
    if mark:  # what is said of a branch goes into it
        return "\n".join([*_explode(f"{statement}:", indent), f"{indent}    # {note}"])
    return "\n".join(_explode(stripped, indent))


def _explode(statement: str, indent: str) -> list[str]:
    """Break at the last bracket that closes at the end: its content on lines of its own."""
    if len(indent) + len(statement) <= WIDTH:
        return [indent + statement]
    targets, equals, call = statement.partition(" = ")
    if equals and "," in targets and not any(char in targets for char in "([:"):
        if len(indent) + len(targets) + len(call.partition("(")[0]) + 6 <= WIDTH // 2:
            head, *rest = _break(call, indent)
            return [f"{indent}{targets} = {head.lstrip()}", *rest]
        names = [f"{indent}    {name}," for name in targets.split(", ")]
        first, *rest = _explode(f"_ = {call}", indent)  # the place of the bracket
        return [f"{indent}(", *names, first.replace("_", ")", 1), *rest]
    if statement.startswith(("if ", "elif ")) and statement.endswith(":"):
        return _condition(statement, indent)
    return _sum(statement, indent) or _break(statement, indent)


def _sum(statement: str, indent: str) -> list[str]:
    """An assignment of a sum or product: it gets a bracket, and breaks at its operators."""
    assignment = re.fullmatch(r"([\w.]+ \+?= )(.*)", statement)
    if assignment is None:
        return []
    target, expression = assignment.groups()
    for operators in ((" + ", " - "), (" * ", " // ")):
        operands = _operands(expression, operators)
        if len(operands) > 1:
            fits = len(indent) + 4 + len(expression) <= WIDTH
            lines = [expression] if fits else operands
            return [f"{indent}{target}(", *(f"{indent}    {line}" for line in lines), f"{indent})"]
    return []


def _condition(statement: str, indent: str) -> list[str]:
    """Operands on lines of their own, operators in front; those that bind least come first."""
    start, stop = _last_bracket(statement)
    if start is not None and stop == len(statement) - 2 and len(indent) + start < WIDTH:
        return _break(statement, indent)
    keyword, _, condition = statement[:-1].partition(" ")
    for operators in ((" and ", " or "), (" != ", " == ", " > ", " < ")):
        operands = _operands(condition, operators)
        if len(operands) > 1:
            inner = indent + "    "
            return [
                f"{indent}{keyword} (",
                *(inner + operand for operand in operands),
                f"{indent}):",
            ]
    return _break(statement, indent)


def _operands(condition: str, operators: tuple[str, ...]) -> list[str]:
    depth, last, operands = 0, 0, []
    for i, char in _code(condition):
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth == 0 and condition.startswith(operators, i):
            operands.append(condition[last:i])
            last = i + 1
    return [*operands, condition[last:]]


def _break(statement: str, indent: str) -> list[str]:
    start, stop = _last_bracket(statement)
    if start is None or len(indent) + start + 1 > WIDTH:
        return _parenthesised(statement, indent)
    head, content, tail = statement[: start + 1], statement[start + 1 : stop], statement[stop:]
    inner = indent + "    "
    items = _split(content)
    fits = len(inner) + len(content) <= WIDTH and not _comprehension(content)
    if (fits and not _display(statement, start) and not head.startswith("def ")) or not items:
        return [indent + head, inner + content, indent + tail]
    if _comprehension(content):
        return [indent + head, *_comprehension_lines(content, inner), indent + tail]
    lines = [indent + head]
    for item in items:
        exploded = _explode(item + ",", inner)
        lines.extend(exploded)
    return [*lines, indent + tail]


def _parenthesised(statement: str, indent: str) -> list[str]:
    """An assignment without a bracket to break at, or too far on, gets one where that helps."""
    target, equals, expression = statement.partition(" = ")
    if not equals:
        target, equals, expression = statement.partition(": ")  # the annotation of an attribute
    first, chained, rest = expression.partition(" = ")
    lines = [first]
    if len(indent) + 4 + len(first) > WIDTH and not chained:
        lines = _operands(first, (" if ", " else "))
    if not equals or any(len(indent) + 4 + len(line) > WIDTH for line in lines):
        return [indent + statement]
    inner = [f"{indent}    {line}" for line in lines]
    return [f"{indent}{target}{equals}(", *inner, f"{indent}){chained}{rest}"]


def _last_bracket(statement: str) -> tuple[int | None, int]:
    """The outermost bracket pair that closes last."""
    depth = 0
    found: tuple[int | None, int] = (None, 0)
    start = 0
    for i, char in _code(statement):
        if char in _OPEN:
            if depth == 0:
                start = i
            depth += 1
        elif char in _CLOSE:
            depth -= 1
            if depth == 0 and i > start + 1 and _breakable(statement, start, i):
                found = (start, i)
    return found


def _breakable(statement: str, start: int, stop: int) -> bool:
    """Whether a comma may follow the last item inside: in a call or a display, not in x[a : b]."""
    display = _display(statement, start)
    if statement[start] == "[":
        slice_last = stop == len(statement) - 1 and ":" in statement[start:]
        return display or slice_last
    return not display or statement[stop - 1] == "," or len(_split(statement[start + 1 : stop])) > 1


def _display(statement: str, start: int) -> bool:
    """Whether the bracket begins a tuple or list, and no call or subscript."""
    before = statement[start - 1 : start]
    return not (before.isalnum() or before in ("_", "]", ")"))


def _split(content: str) -> list[str]:
    """The items of a bracket's content: split at commas outside of inner brackets."""
    items, depth, last = [], 0, 0
    for i, char in _code(content):
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif char == "," and depth == 0:
            items.append(content[last:i].strip())
            last = i + 1
    items.append(content[last:].strip())
    return [item for item in items if item]


def _comprehension(content: str) -> bool:
    return _for(content) > 0


def _for(content: str) -> int:
    """Where the `for` of a comprehension stands, outside of inner brackets; -1 for none."""
    depth = 0
    for i, char in _code(content):
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth == 0 and content.startswith(" for ", i):
            return i
    return -1


def _comprehension_lines(content: str, indent: str) -> list[str]:
    place = _for(content)
    return [*_explode(content[:place], indent), indent + content[place + 1 :]]


def _code(text: str) -> list[tuple[int, str]]:
    """The characters that are not inside a string, with their places."""
    result, quote = [], ""
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            result.append((i, char))
    return result
