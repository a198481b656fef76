"""What can be wrong with an encoded image.

    RedspiceError
    ├── CodecError           the stream is none of its format; `.offset` says where it goes wrong
    └── MissingImageError    not yet: GLZ image `.id`, which this one refers to, must come first

What is wrong with a caller's arguments (sizes, buffers that are too small) is a `ValueError`.
"""

from __future__ import annotations

from redspice.errors import RedspiceError


class CodecError(RedspiceError):
    """A stream that cannot be decoded. `offset` counts bytes from its start."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.reason} at offset {self.offset}"


class MissingImageError(RedspiceError):
    """A reference to image `id`, which is not there yet: decode it, then this one again."""

    def __init__(self, id: int) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"image {self.id} has not been decoded yet"
