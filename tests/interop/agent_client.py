"""A viewer whose user copies, pastes, sends files and resizes: spice-gtk and the guest's agent.

See `gtk_session.py` for how it talks. What is pasted comes as its size and its MD5.
"""

import ctypes
import hashlib

from gi.repository import Gio
from gtk_session import POINTER, Viewer, library, listen, listen_raw, options_parser, tell

UTF8_TEXT = 1

WORD, NUMBER = ctypes.c_uint32, ctypes.c_int
PASTED = ctypes.CFUNCTYPE(None, POINTER, WORD, WORD, POINTER, WORD, POINTER)
"""void (channel, selection, type, data, size, user data): introspection loses where data is."""
COPIED = ctypes.CFUNCTYPE(NUMBER, POINTER, WORD, POINTER, WORD, POINTER)
"""gboolean (channel, selection, types, number of types, user data)."""
SENT = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER)

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


class AgentViewer(Viewer):
    """One session with its user."""

    def __init__(self, options):
        super().__init__(
            options.port, enable_audio=False, enable_usbredir=False, enable_smartcard=False
        )
        self.copied = {}
        self.kept = []

    @property
    def main(self):
        return self.channels["main-0"]

    def follow(self, kind, channel):
        if kind != "main":
            return
        listen(channel, "main-agent-update", self.agent_changed)
        listen(
            channel, "notify::mouse-mode", lambda c, _: tell("mouse", c.get_property("mouse-mode"))
        )
        listen(channel, "main-clipboard-selection-request", self.paste_wanted)
        listen(channel, "main-clipboard-selection-release", lambda c, sel: tell("released", sel))
        self.kept += [PASTED(self.pasted), COPIED(self.guest_copied)]
        pasted, copied = self.kept
        listen_raw(channel, b"main-clipboard-selection", pasted)
        listen_raw(channel, b"main-clipboard-selection-grab", copied)

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

    def obey(self, name, *arguments):
        obeying = self if hasattr(self, name) else self.channels["inputs-0"]
        getattr(obeying, name)(*arguments)

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
            error = POINTER()
            done = library.spice_main_channel_file_copy_finish(
                POINTER(source), POINTER(result), ctypes.byref(error)
            )
            tell("sent", path, bool(done))

        file, callback = Gio.File.new_for_path(path), SENT(sent)
        files = (POINTER * 2)(hash(file), None)
        self.kept += [file, callback, files]
        library.spice_main_channel_file_copy_async(
            POINTER(hash(self.main)), files, 0, None, None, None, callback, None
        )


def main():
    AgentViewer(options_parser("a SPICE viewer for tests of the agent").parse_args()).run()


main()
