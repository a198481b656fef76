"""`python -m soak [quick] [SCENARIO ...]`: measure, print a table, write build/soak.json.

The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from soak import crowd, flood, half_open, handshakes, killed, long_line, stalled
from soak.figures import Figure, save, show

BUILD = Path(__file__).parent.parent.parent / "build"
SCENARIOS = {
    module.__name__.rpartition(".")[2]: module.run
    for module in (handshakes, crowd, flood, half_open, stalled, long_line, killed)
}


def main(arguments: list[str]) -> int:
    quick = "quick" in arguments
    wanted = [name for name in arguments if name != "quick"] or list(SCENARIOS)
    unknown = set(wanted) - set(SCENARIOS)
    if unknown:
        print(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
        return 2
    figures: list[Figure] = []
    for name in wanted:
        started = time.monotonic()
        figures += SCENARIOS[name](BUILD / "soak", quick)
        save(figures, BUILD / "soak.json")
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    show(figures)
    return int(any(figure.reached is False for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
