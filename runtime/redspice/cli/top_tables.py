"""What `redspice top` shows: two readings as tables of rates.

Names come from elsewhere, so they are shown without what a terminal could take for a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from redspice.cli.top_reading import Reading, plain
from redspice.stats.quantities import CHANNEL, ENCODING, REFUSED, SERVER, Path

UNKNOWN = "-"

LONGEST_NAME = 32

# By what the folder of a channel, and that of an encoding, is told from others.
CHANNEL_MARKS = ("out_messages", "out_bytes", "in_messages")
ENCODING_MARK = "encoded"

_CHANNEL_NAMES = frozenset(quantity.name for quantity in CHANNEL)
_ENCODING_NAMES = frozenset(quantity.name for quantity in ENCODING)
_SERVER_PATHS = frozenset((quantity.name,) for quantity in SERVER)


@dataclass(frozen=True, slots=True)
class Change:
    """Two readings of the same server, the earlier one first."""

    before: Reading
    now: Reading

    def value(self, path: Path) -> float | None:
        return self.now.values.get(path)

    def grown(self, path: Path) -> float | None:
        """By how much; None if it is not known, or began anew because the server did."""
        before, now = self.before.values.get(path), self.now.values.get(path)
        if before is None or now is None or now < before:
            return None
        return now - before

    def rate(self, path: Path) -> float | None:
        """By how much a second."""
        grown, seconds = self.grown(path), self.now.at - self.before.at
        return None if grown is None or seconds <= 0 else grown / seconds

    def folders(self) -> list[Path]:
        """What values are in, in the order of the reading."""
        return list(dict.fromkeys(path[:-1] for path in self.now.values))

    def is_encoding(self, folder: Path) -> bool:
        return (*folder, ENCODING_MARK) in self.now.values

    def is_channel(self, folder: Path) -> bool:
        return not self.is_encoding(folder) and any(
            (*folder, mark) in self.now.values for mark in CHANNEL_MARKS
        )


def screen(title: str, change: Change) -> RenderableType:
    """Everything there is to see."""
    tables = (_channels(change), _encodings(change), _refusals(change), _others(change))
    parts: list[RenderableType] = [_heading(title, change)]
    for table in tables:
        if table.row_count:
            parts += ["", table]
    return Group(*parts)


def _heading(title: str, change: Change) -> Text:
    clients, refused = change.value(("clients",)), _refused(change)
    facts = [plain(title)]
    if clients is not None:
        facts.append(f"{clients:.0f} viewer{'' if clients == 1 else 's'}")
    if refused is not None:
        facts.append(f"{refused:.0f} refused")
    return Text("   ".join(facts), style="bold", no_wrap=True, overflow="ellipsis")


def _refused(change: Change) -> float | None:
    known = [value for path, value in change.now.values.items() if path[0] == REFUSED]
    return sum(known) if known or change.value(("clients",)) is not None else None


def _channels(change: Change) -> Table:
    table = _table(["channel"], *(column.title for column in CHANNEL_COLUMNS))
    for folder in filter(change.is_channel, change.folders()):
        cells = (column.cell(change, folder) for column in CHANNEL_COLUMNS)
        table.add_row(_name(folder), *cells)
    return table


def _encodings(change: Change) -> Table:
    table = _table(["channel", "encoding"], *(column.title for column in ENCODING_COLUMNS))
    for folder in filter(change.is_encoding, change.folders()):
        *above, encoding = folder
        cells = (column.cell(change, folder) for column in ENCODING_COLUMNS)
        table.add_row(_name(above), _name([encoding]), *cells)
    return table


def _refusals(change: Change) -> Table:
    table = _table(["refused"], "total", "/s")
    for path, value in change.now.values.items():
        if path[0] == REFUSED and len(path) > 1 and value:
            table.add_row(_name(path[1:]), whole(value), number(change.rate(path)))
    return table


def _others(change: Change) -> Table:
    """What servers have that are not ours, and what has a name that we do not know."""
    table = _table(["counter"], "value", "/s")
    for path in _unknown(change):
        table.add_row(_name(path), whole(change.value(path)), number(change.rate(path)))
    return table


def _unknown(change: Change) -> Iterator[Path]:
    for path in change.now.values:
        folder, name = path[:-1], path[-1]
        if path in _SERVER_PATHS or path[0] == REFUSED:
            continue
        if name in _CHANNEL_NAMES and change.is_channel(folder):
            continue
        if name in _ENCODING_NAMES and change.is_encoding(folder):
            continue
        yield path


def _table(names: Sequence[str], *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in names:
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=6)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _name(path: Sequence[str]) -> Text:
    name = plain("/".join(path))
    return Text(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")


def whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}"


def number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def octets(value: float | None) -> str:
    return UNKNOWN if value is None else decimal(int(value)).replace(" bytes", " B")


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:.0f} %"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class Column:
    """One number of each row."""

    title: str
    show: Callable[[float | None], str]
    read: Callable[[Change, Path], float | None]

    def cell(self, change: Change, folder: Path) -> str:
        return self.show(self.read(change, folder))


def _value(name: str) -> Callable[[Change, Path], float | None]:
    return lambda change, folder: change.value((*folder, name))


def _rate(name: str) -> Callable[[Change, Path], float | None]:
    return lambda change, folder: change.rate((*folder, name))


def _part(name: str, of: str) -> Callable[[Change, Path], float | None]:
    """One number by another: of the time between the readings or, if nothing came, of all."""

    def read(change: Change, folder: Path) -> float | None:
        for each in (change.grown, change.value):
            part, whole = each((*folder, name)), each((*folder, of))
            if part is not None and whole:
                return part / whole
        return None

    return read


CHANNEL_COLUMNS = (
    Column("viewers", whole, _value("viewers")),
    Column("out/s", number, _rate("out_messages")),
    Column("out B/s", octets, _rate("out_bytes")),
    Column("in/s", number, _rate("in_messages")),
    Column("in B/s", octets, _rate("in_bytes")),
    Column("queue", whole, _value("queue_messages")),
    Column("queue B", octets, _value("queue_bytes")),
    Column("flight B", octets, _value("in_flight_bytes")),
    Column("latency", duration, _value("latency")),
)

ENCODING_COLUMNS = (
    Column("encoded", whole, _value("encoded")),
    Column("/s", number, _rate("encoded")),
    Column("each", duration, _part("time", "encoded")),
    Column("in B/s", octets, _rate("in_bytes")),
    Column("out B/s", octets, _rate("out_bytes")),
    Column("size", percent, _part("out_bytes", "in_bytes")),
)
