"""Text → Markdown: escapes and anchors as the usual forges understand them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"[\\*<\[\]~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_BLOCK = re.compile(r"^([#>+-])")


def text(words: str) -> str:
    """A comment of a spec as one line that is safe in a paragraph or a table cell."""
    parts = _CODE.split(" ".join(words.split()))
    parts[::2] = [_SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return _BLOCK.sub(r"\\\1", "".join(parts)).replace("|", r"\|")


def first_sentence(words: str) -> str:
    """The first sentence of a comment, without its full stop."""
    line = " ".join(words.split())
    return text(re.split(r"\.(?:\s|$)", line, maxsplit=1)[0])


def code(words: str) -> str:
    return f"`{words}`"


def slug(heading: str) -> str:
    """The anchor of a heading: lower case, spaces as hyphens, punctuation dropped."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(headings: Iterable[str]) -> list[str]:
    """The anchors of the headings of a page in order; a repeated one gets a number."""
    seen: dict[str, int] = {}
    found = []
    for heading in headings:
        name = slug(heading)
        count = seen[name] = seen.get(name, -1) + 1
        found.append(f"{name}-{count}" if count else name)
    return found
