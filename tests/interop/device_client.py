"""A viewer whose devices are told what to do: spice-gtk's ports, USB, smart cards and sound.

Like `gtk_client.py` it runs under the system's Python, takes orders as lines of JSON and says what
happens in lines of JSON. All channels are opened. A port is called by its name; what is written to
it are `size` bytes of a pattern, and what it says is counted and hashed.
"""

import argparse
import ctypes
import hashlib
import io
import json
import os
import sys

import gi

gi.require_version("SpiceClientGLib", "2.0")
from gi.repository import GLib, GObject  # noqa: E402
from gi.repository import SpiceClientGLib as Spice  # noqa: E402

library = ctypes.CDLL("libspice-client-glib-2.0.so.8")
gobject = ctypes.CDLL("libgobject-2.0.so.0")
gobject.g_signal_connect_data.argtypes = [
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int,
]
PORT_DATA = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
"""void (port, data, size, user data): introspection loses the address of the data."""


def tell(event, *details):
    print(json.dumps([event, *details]), flush=True)


def listen(emitter, signal, callback):
    GObject.Object.connect(emitter, signal, callback)


def die_on_exception(*error):
    sys.__excepthook__(*error)
    os._exit(1)


def pattern(size):
    """Bytes that do not repeat soon and can be compressed."""
    return b"".join(b"%08d" % number for number in range(size // 8 + 1))[:size]


class Port:
    """A port of the server."""

    def __init__(self, channel):
        self.channel = channel
        self.size = 0
        self.hash = hashlib.md5()
        self.callback = PORT_DATA(self.received)
        gobject.g_signal_connect_data(
            hash(channel), b"port-data", ctypes.cast(self.callback, ctypes.c_void_p), None, None, 0
        )
        listen(channel, "port-event", lambda c, event: tell("port-event", self.name, event))
        for what in ("port-name", "port-opened"):
            listen(channel, f"notify::{what}", self.ready)

    @property
    def name(self):
        return self.channel.get_property("port-name")

    def ready(self, channel, property):
        tell("port", self.name, channel.get_property("port-opened"))

    def received(self, channel, data, size, user_data):
        self.size += size
        self.hash.update(ctypes.string_at(data, size))
        tell("received", self.name, self.size, self.hash.hexdigest())

    def write(self, size):
        # Through ctypes: the bytes have to stay where they are until they are sent.
        self.outgoing = ctypes.create_string_buffer(pattern(size), size)
        library.spice_port_channel_write_async(
            ctypes.c_void_p(hash(self.channel)),
            self.outgoing,
            ctypes.c_size_t(size),
            None,
            None,
            None,
        )


class Viewer:
    """One session and its channels."""

    def __init__(self, options):
        self.ports = []
        self.channels = []
        self.loop = GLib.MainLoop()
        self.orders = io.FileIO(0)
        self.session = Spice.Session()
        self.session.set_property("host", "127.0.0.1")
        self.session.set_property("port", options.port)
        if options.share is not None:
            self.session.set_property("shared-dir", options.share)
        self.session.set_property("enable-smartcard", True)
        listen(self.session, "channel-new", self.channel_new)
        self.usb = Spice.UsbDeviceManager.get(self.session)  # without it USB channels are of no use

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
        self.channels.append(channel)
        listen(channel, "channel-event", lambda c, event: tell(event.value_nick, name))
        if kind in ("port", "webdav"):
            self.ports.append(Port(channel))
        if kind != "main":
            library.spice_channel_connect(ctypes.c_void_p(hash(channel)))

    def order(self, source, condition):
        line = self.orders.readline()
        name, *arguments = json.loads(line) if line else ["quit"]
        if name == "quit":
            library.spice_session_disconnect(ctypes.c_void_p(hash(self.session)))
            self.loop.quit()
            return False
        if name == "share_cd":
            self.share_cd(*arguments)
            return True
        port = next(port for port in self.ports if port.name == arguments[0])
        if name == "write":
            port.write(arguments[1])
        elif name == "event":
            Spice.PortChannel.event(port.channel, arguments[1])
        return True

    def share_cd(self, path):
        """Have the server's machine see a USB drive with this file as its disc."""

        def connected(usb, result):
            usb.connect_device_finish(result)
            tell("usb", path)

        def added(usb, device):
            if usb.is_device_shared_cd(device):
                usb.connect_device_async(device, None, connected)

        listen(self.usb, "device-added", added)
        self.usb.create_shared_cd_device(path)


def main():
    parser = argparse.ArgumentParser(description="a SPICE viewer with devices")
    parser.add_argument("--port", required=True)
    parser.add_argument("--share", metavar="FOLDER")
    sys.excepthook = die_on_exception
    Viewer(parser.parse_args()).run()


main()
