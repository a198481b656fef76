from typing import Literal, overload

from typing_extensions import Buffer

class LZ4BlockError(Exception): ...

def compress(source: Buffer, *, store_size: bool = True, dict: Buffer = b"") -> bytes: ...
@overload
def decompress(source: Buffer, uncompressed_size: int = -1, *, dict: Buffer = b"") -> bytes: ...
@overload
def decompress(
    source: Buffer,
    uncompressed_size: int = -1,
    *,
    return_bytearray: Literal[True],
    dict: Buffer = b"",
) -> bytearray: ...
