"""A viewer whose user copies, pastes, sends files and resizes: spice-gtk and the guest's agent.

Like `gtk_client.py` it runs under the system's Python, takes orders as lines of JSON and says what
happens in lines of JSON. What is pasted comes as its size and its MD5.
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
from gi.repository import Gio, GLib, GObject  # noqa: E402
from gi.repository import SpiceClientGLib as Spice  # noqa: E402

UTF8_TEXT = 1

POINTER, WORD, NUMBER = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int
PASTED = ctypes.CFUNCTYPE(None, POINTER, WORD, WORD, POINTER, WORD, POINTER)
"""void (channel, selection, type, data, size, user data): introspection loses where data is."""
COPIED = ctypes.CFUNCTYPE(NUMBER, POINTER, WORD, POINTER, WORD, POINTER)
"""gboolean (channel, selection, types, number of types, user data)."""
SENT = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER)

library = ctypes.CDLL("libspice-client-glib-2.0.so.8")
library.spice_main_channel_clipboard_selection_grab.argtypes = [
    POINTER,
    WORD,
    ctypes.POINTER(WORD),
    NUMBER,
]
library.spice_main_channel_clipboard_selection_notify.argtypes = [
    POINTER,
    WORD,
    WORD,
    ctypes.c_char_p,
    ctypes.c_size_t,
]
gobject = ctypes.CDLL("libgobject-2.0.so.0")
gobject.g_signal_connect_data.argtypes = [
    POINTER,
    ctypes.c_char_p,
    POINTER,
    POINTER,
    POINTER,
    NUMBER,
]


def tell(event, *details):
    print(json.dumps([event, *details]), flush=True)


def listen(emitter, signal, callback):
    GObject.Object.connect(emitter, signal, callback)


def die_on_exception(*error):
    sys.__excepthook__(*error)
    os._exit(1)


class Viewer:
    """One session with its user."""

    def __init__(self, options):
        self.main = self.inputs = None
        self.copied = {}
        self.kept = []
        self.channels = []
        self.loop = GLib.MainLoop()
        self.orders = io.FileIO(0)
        self.session = Spice.Session()
        self.session.set_property("host", "127.0.0.1")
        self.session.set_property("port", options.port)
        for feature in ("enable-audio", "enable-usbredir", "enable-smartcard"):
            self.session.set_property(feature, False)
        listen(self.session, "channel-new", self.channel_new)

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
        self.channels.append(channel)
        listen(channel, "channel-event", lambda c, event: tell(event.value_nick, kind))
        if kind == "main":
            self.main = channel
            self.follow_main()
            return
        if kind == "inputs":
            self.inputs = channel
        library.spice_channel_connect(ctypes.c_void_p(hash(channel)))

    def follow_main(self):
        main = self.main
        listen(main, "main-agent-update", self.agent_changed)
        listen(main, "notify::mouse-mode", lambda c, _: tell("mouse", c.get_property("mouse-mode")))
        listen(main, "main-clipboard-selection-request", self.paste_wanted)
        listen(main, "main-clipboard-selection-release", lambda c, sel: tell("released", sel))
        self.call_back(main, b"main-clipboard-selection", PASTED(self.pasted))
        self.call_back(main, b"main-clipboard-selection-grab", COPIED(self.guest_copied))

    def call_back(self, emitter, signal, callback):
        self.kept.append(callback)
        pointer = ctypes.cast(callback, POINTER)
        gobject.g_signal_connect_data(hash(emitter), signal, pointer, None, None, 0)

    def agent_changed(self, main):
        tell("agent", main.get_property("agent-connected"))

    def paste_wanted(self, main, selection, type):
        data = self.copied[selection]
        library.spice_main_channel_clipboard_selection_notify(
            hash(main), selection, type, data, len(data)
        )
        tell("taken", selection, type)
        return True

    def pasted(self, main, selection, type, data, size, user_data):
        content = ctypes.string_at(data, size)
        tell("pasted", selection, type, size, hashlib.md5(content).hexdigest())

    def guest_copied(self, main, selection, types, count, user_data):
        tell("copied", selection, list((WORD * count).from_address(types)))
        return 1

    # Orders.

    def order(self, source, condition):
        """Obey the next line of stdin."""
        line = self.orders.readline()
        name, *arguments = json.loads(line) if line else ["quit"]
        if name == "quit":
            library.spice_session_disconnect(ctypes.c_void_p(hash(self.session)))
            self.loop.quit()
        elif hasattr(self, name):
            getattr(self, name)(*arguments)
        else:
            getattr(self.inputs, name)(*arguments)
        return name != "quit"

    def copy(self, selection, text):
        self.copied[selection] = text.encode()
        types = (WORD * 1)(UTF8_TEXT)
        library.spice_main_channel_clipboard_selection_grab(hash(self.main), selection, types, 1)

    def paste(self, selection):
        self.main.clipboard_selection_request(selection, UTF8_TEXT)

    def forget(self, selection):
        self.main.clipboard_selection_release(selection)

    def resize(self, width, height):
        self.main.update_display_enabled(0, True, False)
        self.main.update_display(0, 0, 0, width, height, False)
        self.main.send_monitor_config()

    def send_file(self, path):
        def sent(source, result, user_data):
            error = ctypes.c_void_p()
            done = library.spice_main_channel_file_copy_finish(
                ctypes.c_void_p(source), ctypes.c_void_p(result), ctypes.byref(error)
            )
            tell("sent", path, bool(done))

        file, callback = Gio.File.new_for_path(path), SENT(sent)
        files = (POINTER * 2)(hash(file), None)
        self.kept += [file, callback, files]
        library.spice_main_channel_file_copy_async(
            ctypes.c_void_p(hash(self.main)), files, 0, None, None, None, callback, None
        )


def main():
    parser = argparse.ArgumentParser(description="a SPICE viewer for tests of the agent")
    parser.add_argument("--port", required=True)
    sys.excepthook = die_on_exception
    Viewer(parser.parse_args()).run()


main()
