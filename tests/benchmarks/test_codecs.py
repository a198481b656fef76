"""Our codecs beside well-known ones, on a desktop and a photograph of 1920x1080.

`make bench` prints a table for each picture and direction, in one run. No time is asserted here:
what is checked is that every lossless codec gives the picture back.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import lz4.block
import numpy as np
import pytest
import simplejpeg
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.yardsticks import images
from redspice import codecs
from redspice.codecs import PixelFormat, lz, quic
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_window import GlzWindow

WIDTH, HEIGHT = 1920, 1080
STRIDE = WIDTH * 4
WINDOW_PIXELS = 1 << 24

pytestmark = pytest.mark.skipif(not codecs.COMPILED, reason="plain Python is another league")


@dataclass(frozen=True)
class Codec:
    """Bytes of pixels to a stream, and back to an array."""

    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], Any]
    lossless: bool = True


def encode_glz(pixels: bytes) -> bytes:
    return fresh_dictionary().encode(pixels, WIDTH, HEIGHT, STRIDE, PixelFormat.BGRX32)


def fresh_dictionary() -> Dictionary:
    return Dictionary(WINDOW_PIXELS)


def shaped(data: bytes) -> Any:
    return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 4)


CODECS = {
    "quic": Codec(
        lambda pixels: quic.encode(pixels, WIDTH, HEIGHT, STRIDE, PixelFormat.BGRX32),
        lambda data: quic.decode(data, format=PixelFormat.BGRX32).array(),
    ),
    "lz": Codec(
        lambda pixels: lz.encode(pixels, WIDTH, HEIGHT, STRIDE, PixelFormat.BGRX32),
        lambda data: lz.decode(data).array(),
    ),
    "glz": Codec(encode_glz, lambda data: GlzWindow().decode(data).array()),
    "lz4.block": Codec(
        lz4.block.compress, lambda data: shaped(lz4.block.decompress(data)), lossless=True
    ),
    "zlib-1": Codec(lambda pixels: zlib.compress(pixels, 1), lambda d: shaped(zlib.decompress(d))),
    "simplejpeg": Codec(
        lambda pixels: simplejpeg.encode_jpeg(shaped(pixels), 85, "BGRX"),
        lambda data: simplejpeg.decode_jpeg(data, "BGRX"),
        lossless=False,
    ),
}


@cache
def picture(name: str) -> bytes:
    return bytes(getattr(images, name)().tobytes())


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", ["desktop", "photo"])
def test_encode(benchmark: BenchmarkFixture, name: str, codec: str) -> None:
    benchmark.group = f"encode a {name}"
    pixels = picture(name)
    stream = benchmark(CODECS[codec].encode, pixels)
    benchmark.extra_info["ratio"] = len(stream) / len(pixels)
    if CODECS[codec].lossless:
        assert (CODECS[codec].decode(stream)[..., :3] == shaped(pixels)[..., :3]).all()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", ["desktop", "photo"])
def test_decode(benchmark: BenchmarkFixture, name: str, codec: str) -> None:
    benchmark.group = f"decode a {name}"
    pixels = picture(name)
    shown = benchmark(CODECS[codec].decode, CODECS[codec].encode(pixels))
    if CODECS[codec].lossless:
        assert (shown[..., :3] == shaped(pixels)[..., :3]).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("codec", ["quic", "lz", "glz"])
def test_two_pictures_on_threads(benchmark: BenchmarkFixture, codec: str, threads: int) -> None:
    """The codecs let go of the interpreter lock: two threads take about half of the time."""
    benchmark.group = f"encode two photographs with {codec}"
    pixels = [picture("photo")] * 2
    with ThreadPoolExecutor(threads) as pool:
        first, second = benchmark(lambda: list(pool.map(CODECS[codec].encode, pixels)))
    assert first == second
