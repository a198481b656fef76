"""`--update-golden` rewrites the expected output; `git diff` then shows what the change does."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")
