"""Log lines of the command: to stderr, one line each, with time and level."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
TIME_FORMAT = "%H:%M:%S"


def log_to_stderr(verbose: bool) -> None:
    """Show the log of the library: INFO and above, with `verbose` also DEBUG."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(FORMAT, TIME_FORMAT))
    logger = logging.getLogger("redspice")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
