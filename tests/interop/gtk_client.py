"""A viewer to be told what to do: spice-gtk, scripted through GObject introspection.

Runs under the system's Python, so it imports nothing of ours. It speaks lines of JSON: on stdin
come orders, `["key_press", 30]`; on stdout goes what happens, `["opened", "main-0"]`. It ends with
its stdin, or when ordered to `quit`.

Two things about the introspection shape the code. `connect` of a session means connecting to the
server, so signals need `GObject.Object.connect`. And a raw pointer among the arguments of a
function or signal is of no use in Python, so pixels are fetched through ctypes, with
`hash(object)` as the address of a GObject.
"""

import argparse
import ctypes
import io
import json
import os
import sys

import gi

gi.require_version("SpiceClientGLib", "2.0")
from gi.repository import GLib, GObject  # noqa: E402
from gi.repository import SpiceClientGLib as Spice  # noqa: E402

BYTES_PER_PIXEL = 4
READABLE = (32, 96)
"""The surface formats xRGB and ARGB, four bytes a pixel."""

library = ctypes.CDLL("libspice-client-glib-2.0.so.8")


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


def tell(event, *details):
    """One line for the test: what happened."""
    print(json.dumps([event, *details]), flush=True)


def listen(emitter, signal, callback):
    GObject.Object.connect(emitter, signal, callback)


def die_on_exception(*error):
    """An exception in a callback would otherwise only be printed."""
    sys.__excepthook__(*error)
    os._exit(1)


class Viewer:
    """One session and its channels."""

    def __init__(self, options):
        self.channels = {}
        self.loop = GLib.MainLoop()
        # Without a buffer: what waits there would not wake the main loop.
        self.orders = io.FileIO(0)  # unbuffered: a line that is read is a line that was announced
        self.session = Spice.Session()
        self.session.set_property("host", "127.0.0.1")
        self.session.set_property("port", options.port)
        if options.password is not None:
            self.session.set_property("password", options.password)
        for setting in options.set:
            name, value = setting.split("=", 1)
            self.session.set_property(name, int(value) if name == "verify" else value)
        for feature in ("enable-audio", "enable-usbredir", "enable-smartcard"):
            self.session.set_property(feature, False)
        listen(self.session, "channel-new", self.channel_new)
        listen(
            self.session,
            "notify::migration-state",
            lambda s, _: tell("migration", s.get_property("migration-state").value_nick),
        )

    def run(self):
        GLib.io_add_watch(
            GLib.IOChannel.unix_new(self.orders.fileno()),
            GLib.PRIORITY_DEFAULT,
            GLib.IOCondition.IN | GLib.IOCondition.HUP,
            self.order,
        )
        library.spice_session_connect(ctypes.c_void_p(hash(self.session)))
        self.loop.run()

    def channel_new(self, session, channel):
        kind = Spice.Channel.type_to_string(channel.get_property("channel-type"))
        name = f"{kind}-{channel.get_property('channel-id')}"
        self.channels[name] = channel
        listen(channel, "channel-event", lambda c, event: tell(event.value_nick, name))
        for signal, callback in self.SIGNALS.get(kind, {}).items():
            listen(channel, signal, callback)
        if kind != "main":
            library.spice_channel_connect(ctypes.c_void_p(hash(channel)))

    def order(self, source, condition):
        """Obey the next line of stdin."""
        line = self.orders.readline()
        name, *arguments = json.loads(line) if line else ["quit"]
        if name == "quit":
            library.spice_session_disconnect(ctypes.c_void_p(hash(self.session)))
            self.loop.quit()
        elif name in ("save", "cursor"):
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
        return name != "quit"

    def save(self, path):
        """Write the primary surface to a file, as BGRX rows without padding."""
        primary = Primary()
        display = ctypes.c_void_p(hash(self.channels["display-0"]))
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
        channel = ctypes.c_void_p(hash(self.channels["cursor-0"]))
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
    parser = argparse.ArgumentParser(description="a SPICE viewer driven by lines of JSON")
    parser.add_argument("--port", required=True)
    parser.add_argument("--password")
    parser.add_argument("--set", action="append", default=[], metavar="PROPERTY=VALUE")
    sys.excepthook = die_on_exception
    Viewer(parser.parse_args()).run()


main()
