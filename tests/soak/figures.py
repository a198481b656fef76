"""What a scenario has measured, and how it is shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

MARKS = {True: "yes", False: "NO", None: ""}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `goal` says in words what it should be, `reached` whether it is."""

    scenario: str
    what: str
    value: float
    unit: str
    goal: str = ""
    reached: bool | None = None


def at_least(scenario: str, what: str, value: float, unit: str, goal: float) -> Figure:
    """A figure that should not be below `goal`."""
    return Figure(scenario, what, value, unit, f">= {goal:g}", value >= goal)


def at_most(scenario: str, what: str, value: float, unit: str, goal: float) -> Figure:
    """A figure that should not be above `goal`."""
    return Figure(scenario, what, value, unit, f"<= {goal:g}", value <= goal)


def show(figures: Iterable[Figure]) -> None:
    """Print the table."""
    table = Table("scenario", "what", "value", "unit", "goal", "reached")
    for each in figures:
        value = f"{each.value:.3g}" if each.value < 100 else f"{each.value:.0f}"
        table.add_row(each.scenario, each.what, value, each.unit, each.goal, MARKS[each.reached])
    Console(width=130).print(table)


def save(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures and what the machine was like."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg(),
        "figures": [asdict(each) for each in figures],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
