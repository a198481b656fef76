"""What a display shows: the framebuffer and what of it changed."""
