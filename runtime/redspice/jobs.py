"""Jobs that may fail.

`CoreInterface.run_job` tells that a job is done and what came of it. A job that raises would never
be done, and who waits for it would wait for ever; wrapped in `attempt` it is done, with `Failed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failed:
    """What comes of a job that has raised."""

    error: Exception


def attempt(job: Callable[[], Result]) -> Callable[[], Result | Failed]:
    """The same job, which returns `Failed` where it would have raised."""

    def attempted() -> Result | Failed:
        try:
            return job()
        except Exception as error:
            return Failed(error)

    return attempted
