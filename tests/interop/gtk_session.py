"""What the viewers have in common that tests give orders to: a session of spice-gtk.

They run under the system's Python, so they import nothing of ours but this. They speak lines of
JSON: on stdin come orders, `["key_press", 30]`; on stdout goes what happens,
`["opened", "main-0"]`. They end with their stdin, or when ordered to `quit`.

Two things about the introspection shape the code. `connect` of a session means connecting to the
server, so signals need `GObject.Object.connect`. And a raw pointer among the arguments of a
function or signal is of no use in Python, so such calls go through ctypes, with `hash(object)` as
the address of a GObject.
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

POINTER = ctypes.c_void_p

library = ctypes.CDLL("libspice-client-glib-2.0.so.8")
_gobject = ctypes.CDLL("libgobject-2.0.so.0")
_gobject.g_signal_connect_data.argtypes = [
    POINTER,
    ctypes.c_char_p,
    POINTER,
    POINTER,
    POINTER,
    ctypes.c_int,
]


def tell(event, *details):
    """One line for the test: what happened."""
    print(json.dumps([event, *details]), flush=True)


def listen(emitter, signal, callback):
    GObject.Object.connect(emitter, signal, callback)


def listen_raw(emitter, signal, callback):
    """The same with a callback of ctypes, which gets pointers as they are. It has to be kept."""
    function = ctypes.cast(callback, POINTER)
    _gobject.g_signal_connect_data(hash(emitter), signal, function, None, None, 0)


def die_on_exception(*error):
    """An exception in a callback would otherwise only be printed."""
    sys.__excepthook__(*error)
    os._exit(1)


def options_parser(description):
    """For the options of a viewer; all have a port."""
    sys.excepthook = die_on_exception
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", required=True)
    return parser


class Viewer:
    """One session and its channels, all of which are opened.

    Derive and override `follow` and `obey`.
    """

    def __init__(self, port, **properties):
        self.channels = {}
        self.loop = GLib.MainLoop()
        # Without a buffer: what waits there would not wake the main loop.
        self.orders = io.FileIO(0)
        self.session = Spice.Session()
        for name, value in {"host": "127.0.0.1", "port": port, **properties}.items():
            self.session.set_property(name.replace("_", "-"), value)
        listen(self.session, "channel-new", self.channel_new)

    def run(self):
        GLib.io_add_watch(
            GLib.IOChannel.unix_new(self.orders.fileno()),
            GLib.PRIORITY_DEFAULT,
            GLib.IOCondition.IN | GLib.IOCondition.HUP,
            self.order,
        )
        library.spice_session_connect(POINTER(hash(self.session)))
        self.loop.run()

    def channel_new(self, session, channel):
        kind = Spice.Channel.type_to_string(channel.get_property("channel-type"))
        name = f"{kind}-{channel.get_property('channel-id')}"
        self.channels[name] = channel
        listen(channel, "channel-event", lambda c, event: tell(event.value_nick, name))
        self.follow(kind, channel)
        if kind != "main":
            library.spice_channel_connect(POINTER(hash(channel)))

    def order(self, source, condition):
        """Obey the next line of stdin."""
        line = self.orders.readline()
        name, *arguments = json.loads(line) if line else ["quit"]
        if name == "quit":
            library.spice_session_disconnect(POINTER(hash(self.session)))
            self.loop.quit()
        else:
            self.obey(name, *arguments)
        return name != "quit"

    def follow(self, kind, channel):
        """A channel is about to be opened: listen to what it says."""

    def obey(self, name, *arguments):
        """Do what the test says."""
        raise NotImplementedError(name)
