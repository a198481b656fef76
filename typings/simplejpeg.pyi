"""The functions of `simplejpeg` that are used, which has no types of its own."""

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

def decode_jpeg(
    data: Buffer,
    colorspace: str = "rgb",
    fastdct: bool = False,
    fastupsample: bool = False,
    *,
    buffer: Buffer | None = None,
    strict: bool = True,
) -> NDArray[np.uint8]: ...
def encode_jpeg(
    image: NDArray[np.uint8],
    quality: int = 85,
    colorspace: str = "rgb",
    colorsubsampling: str = "444",
    fastdct: bool = False,
) -> bytes: ...
