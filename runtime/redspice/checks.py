"""What embedders pass, checked where they pass it.

A wrong value must not wait for a viewer to be sent to: it would end that viewer's connection and
tell nobody why.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, SupportsIndex

from redspice.errors import ConfigurationError

if TYPE_CHECKING:
    from redspice_protocol import Buffer

# What fits the protocol's modifier field.
LEDS = range(0x10000)


def whole(what: str, *values: SupportsIndex) -> tuple[int, ...]:
    """The values as plain ints, from whatever is a whole number (NumPy's too, floats not).

    Raises `ConfigurationError` that names `what` they are.
    """
    try:
        return tuple(map(index, values))
    except TypeError:
        shown = ", ".join(map(repr, values))
        raise ConfigurationError(f"{what} {shown}: whole numbers are needed") from None


def flat_bytes(what: str, data: Buffer) -> memoryview:
    """A view of the bytes of anything contiguous, one by one.

    Raises `ConfigurationError` that names `what` it is.
    """
    try:
        view = memoryview(data)
        # An array without elements cannot be cast.
        return view.cast("B") if view.nbytes else memoryview(b"")
    except TypeError as error:
        raise ConfigurationError(f"{what} is not contiguous bytes: {error}") from None


def text(what: str, value: str) -> bytes:
    """The UTF-8 of a text that ends with a NUL on the wire.

    Raises `ConfigurationError`, which does not show the text, if there is none or it has a NUL.
    """
    try:
        encoded = value.encode()
    except (AttributeError, UnicodeEncodeError):
        raise ConfigurationError(f"the {what} is not a text that UTF-8 can express") from None
    if b"\0" in encoded:
        raise ConfigurationError(f"the {what} contains a NUL, which would end it early")
    return encoded


def leds(value: SupportsIndex) -> int:
    """Lock lights. Raises `ConfigurationError` unless they fit 16 bits."""
    (lights,) = whole("lock lights", value)
    if lights not in LEDS:
        raise ConfigurationError(f"lock lights {lights:#x} do not fit 16 bits")
    return lights
