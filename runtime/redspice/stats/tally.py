"""What came of many measurements of the same thing: how many, their sum, the least and the most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Measurements counted together. `least`, `most` and `mean` are None before the first."""

    count: int = 0
    total: float = 0.0
    least: float | None = None
    most: float | None = None

    def add(self, measured: float) -> None:
        """One more measurement."""
        self.count += 1
        self.total += measured
        if self.least is None or measured < self.least:
            self.least = measured
        if self.most is None or measured > self.most:
            self.most = measured

    def merge(self, other: Tally) -> None:
        """Count what `other` has counted, too."""
        self.count += other.count
        self.total += other.total
        for each in (other.least, other.most):
            if each is not None:
                self.least = each if self.least is None else min(self.least, each)
                self.most = each if self.most is None else max(self.most, each)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None
