"""`--update-goldens` rewrites the expected output; `git diff` then shows what the change does."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="rewrite the golden files")
