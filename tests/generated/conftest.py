"""`pytest tests/generated --vectors DIR` runs any directory of vectors of our messages.

The files are called `<channel>-<server|client>[.negative].jsonl[.xz]`; others are left alone.
"""

from pathlib import Path

import pytest

from generated.vectors import DIRECTORY, files
from redspice_protocol import CHANNELS

OURS = {f"{channel}-{side}" for channel in CHANNELS for side in ("server", "client")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="message vectors (default: the repository's)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, negative in (("positive_file", False), ("negative_file", True)):
        if name in metafunc.fixturenames:
            found = files(metafunc.config.getoption("--vectors"), negative=negative)
            chosen = {path.name.split(".")[0]: path for path in found}
            paths = {stem: path for stem, path in chosen.items() if stem in OURS}
            metafunc.parametrize(name, list(paths.values()), ids=list(paths))
