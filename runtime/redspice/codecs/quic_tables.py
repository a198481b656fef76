"""The fixed tables of QUIC: how residuals are coded, and the pace of runs and of adaptation.

A residual is a component less its prediction, modulo 2**bits; `bits` is 8 or 5, and names one of
the two families of Golomb-Rice codes. The format numbers residuals by distance from zero (0, -1, 1,
-2, ...) and calls the number a symbol. The coder needs residuals only, so all tables here that it
looks things up in are laid out by residual; a family has one code for each bit of a component.
"""

from __future__ import annotations

#: Bits of the longest codeword of any code.
LONGEST = 26

#: Bits that a decoder looks at to recognise a codeword at once. Three such reads fit into the 33
#: bits that two words hold from any position on. Longer codewords are rare and are read by parts.
GLANCE = 11

#: A residual in the places of codewords.
CODE_BITS = 8

#: The code of the components that a lone one does not have: residuals are 0 and take no bits.
NO_CODE = 8

#: What a glance finds there. It is not 0, and of its lower six bits none is set.
SILENT = 64

#: How many coded pixels to wait after each update of the model; as many low bits count as the
#: current level allows, six at most.
WAITS = bytes.fromhex(
    "021713150712280e0c202f2c2406120b04132a1d103f39331003050e0f1e1409"
    "242d03393d000805290e2b1b2b3b1f23273c2a260d363e011a030b3d34220730"
    "043b160c160832040a062c080b2e1f333511012b2e3c24360a1b272c16291702"
    "2c0028352830102b201c210c1402383e373a12140d37261d391331212f3f3b00"
    "233d13192e263c0423011a281c0a050e19123031143b3e222e072134223a091d"
    "08373e3c2524253206030a1c30181a3d391e0b360206322f07112335200c1711"
    "05153137332d341b2719273f16182a343826292938200d181a331b383a25182a"
    "0f1c111e1f0f101719362122011d1f323515310f2f09003a252d1e0d092d3f15"
)

#: A bucket's counters are halved when the least of them is above this; one value for each level.
TRIGGERS = (110, 550, 900, 800, 550, 400, 350)

#: In each of the 32 states of the run coder, a one bit stands for 2**n pixels of a run.
RUN_BITS = bytes.fromhex("00000000010101010202020203030303040405050606070708090a0b0c0d0e0f")


def fold(residual: int, bits: int) -> int:
    """The symbol of a residual."""
    top = (1 << bits) - 1
    return 2 * residual if residual <= top >> 1 else 2 * (top - residual) + 1


def unfold(symbol: int, bits: int) -> int:
    """The residual of a symbol."""
    return (1 << bits) - 1 - (symbol >> 1) if symbol & 1 else symbol >> 1


def prefix(code: int, bits: int) -> int:
    """Zero bits that announce a symbol too large for the Golomb-Rice form."""
    return min(LONGEST - bits, (1 << (bits - code)) - 1)


def escaped(code: int, bits: int) -> int:
    """The least symbol that is written in full after the prefix, less itself."""
    return prefix(code, bits) << code


def suffix(code: int, bits: int) -> int:
    """Bits of an escaped symbol after the prefix."""
    return ((1 << bits) - escaped(code, bits) - 1).bit_length()


def codeword(symbol: int, code: int, bits: int) -> tuple[int, int]:
    """The value of a codeword and its length in bits."""
    first = escaped(code, bits)
    if symbol >= first:
        return symbol - first, prefix(code, bits) + suffix(code, bits)
    return 1 << code | symbol & ((1 << code) - 1), (symbol >> code) + 1 + code


def lengths(bits: int) -> list[int]:
    """Length of a residual's codeword, at `residual << 3 | code`."""
    table = [0] * 2048
    for residual in range(1 << bits):
        for code in range(bits):
            table[residual << 3 | code] = codeword(fold(residual, bits), code, bits)[1]
    return table


def codewords(bits: int) -> list[int]:
    """`value << 7 | length` of a residual's codeword, at `code << 8 | residual`.

    What NO_CODE finds has no bits.
    """
    table = [0] * ((NO_CODE + 1) << CODE_BITS)
    for residual in range(1 << bits):
        for code in range(bits):
            value, length = codeword(fold(residual, bits), code, bits)
            table[code << CODE_BITS | residual] = value << 7 | length
    return table


def glances(bits: int) -> list[int]:
    """`residual << 8 | length` of the codeword that a glance begins with, or 0 if it is longer.

    The place is `code << GLANCE | glance`.
    """
    table = [0] * (NO_CODE << GLANCE) + [SILENT] * (1 << GLANCE)
    for residual in range(1 << bits):
        for code in range(bits):
            value, length = codeword(fold(residual, bits), code, bits)
            if length <= GLANCE:
                repeats = 1 << (GLANCE - length)
                place = code << GLANCE | value * repeats
                table[place : place + repeats] = [residual << 8 | length] * repeats
    return table


def buckets(bits: int) -> list[int]:
    """The bucket of the model that serves pixels with this residual on their left."""
    symbols = [fold(residual, bits) for residual in range(1 << bits)]
    table = [min((symbol + 1).bit_length() - 1, bits - 1) for symbol in symbols]
    return table + [0] * (256 - len(table))


def residuals(bits: int) -> list[int]:
    """The residual of each symbol."""
    table = [unfold(symbol, bits) for symbol in range(1 << bits)]
    return table + [0] * (256 - len(table))
