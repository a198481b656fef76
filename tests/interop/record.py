"""What happens elsewhere, in order, and a way to wait for it without sleeping."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import IO, Generic, TypeVar

from interop.peers import PATIENCE

T = TypeVar("T")


class Record(Generic[T]):
    """A list that other threads append to and a test waits on."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._changed = threading.Condition()

    def add(self, item: T) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def items(self) -> list[T]:
        """Everything so far."""
        with self._changed:
            return list(self._items)

    def clear(self) -> None:
        with self._changed:
            self._items.clear()

    def wait(self, condition: Callable[[list[T]], object], what: str) -> list[T]:
        """Everything so far, as soon as the condition holds for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self._items), PATIENCE):
                raise AssertionError(f"no {what} in {PATIENCE:g} s, only {self._items[-20:]}")
            return list(self._items)

    def wait_for_items(self, expected: list[T]) -> None:
        """Wait for as many items as expected, and compare."""
        items = self.wait(lambda items: len(items) >= len(expected), f"{len(expected)} items")
        assert items == expected


class LineReader(threading.Thread):
    """Copies the lines of a process's output into a record until the output ends."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self.lines: Record[str] = Record()
        self._stream: Iterable[str] = stream
        self.start()

    def run(self) -> None:
        for line in self._stream:
            self.lines.add(line.rstrip("\n"))
