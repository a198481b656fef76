"""What the harnesses share: they feed a decoder whatever the fuzzer thinks of.

    python tests/fuzz/fuzz_lz4.py -max_total_time=30

A `CodecError` is the right answer to bad input; any other exception is a finding, and so is a
crash. Both are left in build/corpus, beside the inputs, which begin with the vectors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent.parent

CORPORA = ROOT / "build" / "corpus"

# For `codec_vectors`: the tests of the codecs have it on their path.
sys.path.insert(0, str(ROOT / "tests" / "codecs"))

from codec_vectors import DIRECTORY, read  # noqa: E402

# The plain Python ones show the fuzzer where they branch; the others do if compiled for it.
with atheris.instrument_imports(include=["redspice.codecs.bitmap", "redspice.codecs.lz4"]):
    from redspice.codecs import CodecError, bitmap, lz4

__all__ = ["MAX_PIXELS", "bitmap", "lz4", "run", "streams"]

#: Pixels that decoders are to make room for: more would only be slow.
MAX_PIXELS = 1 << 16

#: Longer seeds would slow the fuzzer down and teach it nothing.
LONGEST_SEED = 4096


def streams(codec: str) -> list[bytes]:
    """The vectors of one codec, as seeds."""
    return [vector.stream for vector in read(DIRECTORY, codec)]


def run(decode: Callable[[bytes], object], seeds: Iterable[bytes] = ()) -> None:
    """Fuzz a function of the input's bytes; arguments of the command are libFuzzer's."""

    def try_input(data: bytes) -> None:
        try:
            decode(data)
        except CodecError:
            return

    corpus = CORPORA / Path(sys.argv[0]).stem
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        if len(seed) <= LONGEST_SEED:
            corpus.joinpath(f"seed-{number:03}").write_bytes(seed)
    findings = f"-artifact_prefix={corpus.parent}/"
    atheris.Setup([*sys.argv, findings, str(corpus)], try_input)
    atheris.Fuzz()
