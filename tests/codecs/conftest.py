"""`pytest tests/codecs --codec-vectors DIR` runs any directory of codec vectors.

A test with a parameter `quic_vector`, `lz_vector`, ... runs once for each vector of that codec.
"""

from pathlib import Path

import pytest

from codec_vectors import DIRECTORY, read

CODECS = ("quic", "lz", "glz", "image", "zlib_glz")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--codec-vectors",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="codec vectors (default: the repository's)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for codec in CODECS:
        name = f"{codec}_vector"
        if name in metafunc.fixturenames:
            found = read(metafunc.config.getoption("--codec-vectors"), codec)
            metafunc.parametrize(name, found, ids=str)
