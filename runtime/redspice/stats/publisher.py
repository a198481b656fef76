"""Keeps a statistics file up to date, by a timer.

What counts does so in Python, where it costs an addition; the file gets the numbers of a snapshot
once in a while. Who watches looks no more often than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice.stats.quantities import Path, file_values

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface
    from redspice.stats.collect import Statistics
    from redspice.stats.stat_file import StatFile

# Seconds from one snapshot to the next.
PERIOD = 1.0


class StatPublisher:
    """Writes the numbers of one server to `file` from `start` until `stop`.

    What does not fit into the nodes of the file is left out: the last encodings, the last channels,
    and a channel whose name is too long.
    """

    def __init__(self, core: CoreInterface, statistics: Statistics, file: StatFile) -> None:
        self._statistics = statistics
        self._file = file
        self._nodes: dict[Path, int] = {}
        self._timer = core.timer(self._tick)

    def start(self) -> None:
        """Write now, and from then on once a second."""
        self._tick()

    def stop(self) -> None:
        self._timer.cancel()

    def write(self) -> None:
        """Bring the file up to date."""
        values = dict(file_values(self._statistics.snapshot()))
        self._forget_all_but(values)
        for path, value in values.items():
            node = self._node(path, value=True)
            if node is not None:
                self._file.set(node, value)

    def _tick(self) -> None:
        self._timer.start(PERIOD)
        self.write()

    def _node(self, path: Path, *, value: bool = False) -> int | None:
        """The node at this place, made with those above it if need be; None if there is no room."""
        if path in self._nodes:
            return self._nodes[path]
        *above, name = path
        parent = self._node(tuple(above)) if above else None
        if above and parent is None:
            return None
        try:
            node = self._file.add(name, parent, value=value)
        except ConfigurationError:  # an embedder's channel may have any name
            return None
        if node is not None:
            self._nodes[path] = node
        return node

    def _forget_all_but(self, paths: Iterable[Path]) -> None:
        """Remove the nodes of what is there no more, like a channel that was unregistered."""
        wanted = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
        for path in sorted(self._nodes.keys() - wanted):
            if len(path) == 1 or path[:-1] in wanted:
                self._file.remove(self._nodes[path])  # with all that is below it
            del self._nodes[path]
