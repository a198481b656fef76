"""Pictures to serve: a demo desktop and an image file.

A source owns a framebuffer, registers the devices a viewer uses with it, and redraws what has
changed. Sources draw with Pillow and take their timers from the core interface, so they know
nothing about sockets or event loops.
"""
