"""From Pillow's pictures to the pixels of a framebuffer."""

from __future__ import annotations

from PIL import Image

from redspice.display.framebuffer import Framebuffer


def paste(framebuffer: Framebuffer, x: int, y: int, picture: Image.Image) -> None:
    """Copy an RGB picture, pixel for pixel, to a place on the framebuffer."""
    framebuffer.paste(x, y, picture.width, picture.height, picture.tobytes("raw", "BGRX"))
