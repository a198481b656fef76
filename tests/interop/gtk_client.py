"""A viewer to be told what to do with its keyboard and mouse, and what it shows.

See `gtk_session.py` for how it talks. Its orders are the functions of spice-gtk's inputs channel
and the methods below.
"""

import ctypes

from gtk_session import POINTER, Spice, Viewer, library, listen, options_parser, tell

BYTES_PER_PIXEL = 4
READABLE = (32, 96)
"""The surface formats xRGB and ARGB, four bytes a pixel."""


class Primary(ctypes.Structure):
    """SpiceDisplayPrimary."""

    _fields_ = [
        ("format", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("stride", ctypes.c_int),
        ("shmid", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("marked", ctypes.c_int),
    ]


class CursorShape(ctypes.Structure):
    """SpiceCursorShape."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("width", ctypes.c_uint16),
        ("height", ctypes.c_uint16),
        ("hot_x", ctypes.c_uint16),
        ("hot_y", ctypes.c_uint16),
        ("data", ctypes.c_void_p),
    ]


class GtkViewer(Viewer):
    """One session with a user who looks, types and points."""

    def __init__(self, options):
        properties = dict(setting.split("=", 1) for setting in options.set)
        if options.password is not None:
            properties["password"] = options.password
        if "verify" in properties:
            properties["verify"] = int(properties["verify"])
        super().__init__(
            options.port,
            enable_audio=False,
            enable_usbredir=False,
            enable_smartcard=False,
            **properties,
        )
        listen(
            self.session,
            "notify::migration-state",
            lambda s, _: tell("migration", s.get_property("migration-state").value_nick),
        )

    def follow(self, kind, channel):
        for signal, callback in self.SIGNALS.get(kind, {}).items():
            listen(channel, signal, callback)

    def obey(self, name, *arguments):
        if name in ("save", "cursor"):
            getattr(self, name)(*arguments)
        elif name == "prefer_compression":
            Spice.DisplayChannel.display_channel_change_preferred_compression(
                self.channels["display-0"], *arguments
            )
        elif name == "set_key_locks":
            Spice.inputs_set_key_locks(self.channels["inputs-0"], Spice.InputsLock(*arguments))
        elif name == "mouse_mode":
            self.channels["main-0"].request_mouse_mode(*arguments)
        else:
            getattr(self.channels["inputs-0"], name)(*arguments)

    def save(self, path):
        """Write the primary surface to a file, as BGRX rows without padding."""
        primary = Primary()
        display = POINTER(hash(self.channels["display-0"]))
        found = library.spice_display_channel_get_primary(display, 0, ctypes.byref(primary))
        if not found or not primary.data or primary.format not in READABLE:
            tell("saved", 0, 0)
            return
        pixels = ctypes.string_at(primary.data, primary.stride * primary.height)
        length = primary.width * BYTES_PER_PIXEL
        with open(path, "wb") as file:
            for start in range(0, len(pixels), primary.stride):
                file.write(pixels[start : start + length])
        tell("saved", primary.width, primary.height)

    def cursor(self):
        """Say what the cursor looks like, pixels in hexadecimal."""
        pointer = ctypes.c_void_p()
        channel = POINTER(hash(self.channels["cursor-0"]))
        library.g_object_get(channel, b"cursor", ctypes.byref(pointer), None)
        shape = CursorShape.from_address(pointer.value)
        pixels = ctypes.string_at(shape.data, shape.width * shape.height * BYTES_PER_PIXEL)
        tell("cursor", shape.width, shape.height, shape.hot_x, shape.hot_y, pixels.hex())

    SIGNALS = {  # noqa: RUF012
        "main": {
            "main-mouse-update": lambda c: tell("mouse-mode", c.get_property("mouse-mode")),
        },
        "display": {
            "display-primary-create": lambda c, form, width, height, *_: tell(
                "primary-create", width, height
            ),
            "display-primary-destroy": lambda c: tell("primary-destroy"),
            "display-invalidate": lambda c, *box: tell("invalidate", *box),
            "display-mark": lambda c, mark: tell("mark", mark),
        },
        "cursor": {
            "cursor-set": lambda c, width, height, hot_x, hot_y, pixels: tell(
                "cursor-set", width, height, hot_x, hot_y
            ),
            "cursor-move": lambda c, x, y: tell("cursor-move", x, y),
            "cursor-hide": lambda c: tell("cursor-hide"),
            "cursor-reset": lambda c: tell("cursor-reset"),
        },
        "inputs": {
            "inputs-modifiers": lambda c: tell("modifiers", c.get_property("key-modifiers")),
        },
    }


def main():
    parser = options_parser("a SPICE viewer driven by lines of JSON")
    parser.add_argument("--password")
    parser.add_argument("--set", action="append", default=[], metavar="PROPERTY=VALUE")
    GtkViewer(parser.parse_args()).run()


main()
