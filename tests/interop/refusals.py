"""Refused links in a log: the first of a kind has a line, those soon after it are a number."""

from __future__ import annotations

import re
from collections.abc import Iterable

MORE = re.compile(r"links refused \(\w+\): (\d+) more")


def count_refused(lines: Iterable[str]) -> int:
    """How many links these lines tell of."""
    count = 0
    for line in lines:
        more = MORE.search(line)
        count += int(more[1]) if more else "link refused (" in line
    return count
