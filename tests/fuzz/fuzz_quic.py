"""Fuzz the decoder of QUIC. An input is a stream."""

from __future__ import annotations

from harness import MAX_PIXELS, run, streams

from redspice.codecs import quic


def decode(data: bytes) -> None:
    quic.decode(data, max_pixels=MAX_PIXELS)


if __name__ == "__main__":
    run(decode, streams("quic"))
