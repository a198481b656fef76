"""The SOURCE argument: which picture to serve."""

from __future__ import annotations

import re

from redspice.cli.refusal import Refusal
from redspice.errors import ConfigurationError
from redspice.sources.demo import Demo
from redspice.sources.image import ImageSource

DEFAULT_SIZE = (1024, 768)
IMAGE_PREFIX = "image:"
SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})", re.ASCII)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of a text like 1024x768."""
    match = SIZE.fullmatch(text)
    if match is None:
        raise Refusal(f"size {text!r} is not WIDTHxHEIGHT, like 1024x768")
    return int(match[1]), int(match[2])


def open_source(source: str, size: str | None, frozen: bool) -> Demo | ImageSource:
    """The source that was asked for, ready to be attached to a server."""
    try:
        if source == "demo":
            return Demo(*(DEFAULT_SIZE if size is None else parse_size(size)), frozen=frozen)
        if source.startswith(IMAGE_PREFIX):
            if size is not None:
                raise Refusal("--size is for the demo: a picture has its own size")
            if frozen:
                raise Refusal("--frozen is for the demo: a picture does not move")
            return ImageSource(source.removeprefix(IMAGE_PREFIX))
    except ConfigurationError as error:
        raise Refusal(str(error)) from None
    raise Refusal(f"unknown source {source!r}: use demo or {IMAGE_PREFIX}FILE")
