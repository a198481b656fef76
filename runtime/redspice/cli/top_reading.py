"""Where `redspice top` reads: a page of metrics or a statistics file, as one set of named numbers.

A number has the path of a statistics file, without units: ("display:0", "out_bytes"), or for what
was encoded ("display:0", "quic", "time"); times are seconds. What is read is not believed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from math import isfinite
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families

from redspice.aio.stat_file import stat_path
from redspice.cli.refusal import Refusal
from redspice.errors import ConfigurationError
from redspice.stats import StatNode, parse
from redspice.stats.layout import FILE_BYTES
from redspice.stats.quantities import (
    CHANNEL,
    ENCODING,
    MICROSECONDS,
    REFUSED,
    REFUSED_METRIC,
    SERVER,
    Path,
)

PATIENCE = 5.0
"""Seconds for a page to come."""

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A page with every channel that there can be is much shorter."""

PIECE_BYTES = 64 * 1024

TRIES = 5
"""A file is read while it is written: that its tree is changed twice in a row is no accident."""

HOST_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]*):(?P<port>\d{1,5})")

_METRICS = {quantity.metric: quantity.name for quantity in (*SERVER, *CHANNEL, *ENCODING)}
_TIMES = {
    quantity.file_name: quantity for quantity in (*SERVER, *CHANNEL, *ENCODING) if quantity.seconds
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of one moment."""

    at: float
    """Seconds of a clock that never goes back."""
    values: Mapping[Path, float]


Read = Callable[[], Reading]


def reader_of(target: str) -> Read:
    """What reads a target: the URL or host:port of a page, a process, or a file.

    Raises `Refusal` for anything else, and so does the reader when it cannot read.
    """
    if target.startswith(("http://", "https://")):
        return _page_reader(target)
    if target.isdecimal():
        return _file_reader(stat_path(int(target)))
    if "/" in target or os.path.exists(target):
        return _file_reader(target)
    match = HOST_PORT.fullmatch(target)
    if match is None:
        raise Refusal(f"{target!r} is no URL, no host:port, no process and no file")
    return _page_reader(f"http://{match['host'] or '127.0.0.1'}:{match['port']}")


def plain(text: str) -> str:
    """A text that does nothing to a terminal but appear."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _page_reader(url: str) -> Read:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise Refusal("a URL with a user or a password is not for this command")
    if not parts.path.strip("/"):
        url = parts._replace(path="/metrics").geturl()

    def read() -> Reading:
        text = _download(url)
        at = time.monotonic()
        values = dict(_page_values(url, text))
        if not values:
            raise Refusal(f"{url} has no statistics of a SPICE server")
        return Reading(at, values)

    return read


def _download(url: str) -> str:
    deadline = time.monotonic() + PATIENCE
    page = b""
    try:
        # As Prometheus itself does, straight to the server.
        with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE) as response:
            while piece := response.read1(PIECE_BYTES):
                page += piece
                if len(page) > MAX_PAGE_BYTES:
                    raise Refusal(f"{url} has more than {MAX_PAGE_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise Refusal(f"{url} takes longer than {PATIENCE:g} s")
    except HTTPError as error:
        error.close()
        raise Refusal(f"cannot read {url}: {error.code} {plain(error.reason)}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Refusal(f"cannot read {url}: {plain(_reason(error))}") from None
    return page.decode(errors="replace")


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _page_values(url: str, text: str) -> Iterator[tuple[Path, float]]:
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = sample.labels
                above = tuple(labels[key] for key in ("channel", "encoding") if key in labels)
                if not isfinite(sample.value):
                    continue
                if sample.name in _METRICS:
                    yield (*above, _METRICS[sample.name]), sample.value
                elif sample.name == REFUSED_METRIC and "kind" in labels:
                    yield (REFUSED, labels["kind"]), sample.value
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Refusal(f"{url} is no page of metrics") from None


def _file_reader(path: str) -> Read:
    def read() -> Reading:
        nodes = _read_nodes(path)
        return Reading(time.monotonic(), dict(_node_values(nodes, ())))

    return read


def _read_nodes(path: str) -> tuple[StatNode, ...]:
    reason = ""
    for _ in range(TRIES):
        try:
            return parse(_read_bytes(path))
        except ConfigurationError as error:
            reason = str(error)
        except OSError as error:
            raise Refusal(f"cannot read {path}: {error.strerror}") from None
    raise Refusal(f"{path}: {reason}")


def _read_bytes(path: str) -> bytes:
    # A named pipe must not keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, FILE_BYTES)
    finally:
        os.close(descriptor)


def _node_values(nodes: Iterable[StatNode], above: Path) -> Iterator[tuple[Path, float]]:
    for node in nodes:
        if not node.visible:
            continue
        quantity = _TIMES.get(node.name)
        if node.value is not None and quantity is None:
            yield (*above, node.name), node.value
        # A time that is not known yet is 0 in a file, which has no other way to say so.
        elif node.value is not None and quantity is not None and (node.value or quantity.grows):
            yield (*above, quantity.name), node.value / MICROSECONDS
        yield from _node_values(node.children, (*above, node.name))
