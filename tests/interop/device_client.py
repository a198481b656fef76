"""A viewer whose devices are told what to do: spice-gtk's ports, USB, smart cards and sound.

See `gtk_session.py` for how it talks. A port is called by its name; what is written to it are
`size` bytes of a pattern, and what it says is counted and hashed.
"""

import ctypes
import hashlib

from gtk_session import POINTER, Spice, Viewer, library, listen, listen_raw, options_parser, tell

PORT_DATA = ctypes.CFUNCTYPE(None, POINTER, POINTER, ctypes.c_int, POINTER)
"""void (port, data, size, user data): introspection loses the address of the data."""


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
        listen_raw(channel, b"port-data", self.callback)
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
            POINTER(hash(self.channel)),
            self.outgoing,
            ctypes.c_size_t(size),
            None,
            None,
            None,
        )


class DeviceViewer(Viewer):
    """One session with all its devices."""

    def __init__(self, options):
        self.ports = []
        share = {} if options.share is None else {"shared_dir": options.share}
        super().__init__(options.port, enable_smartcard=True, **share)
        self.usb = Spice.UsbDeviceManager.get(self.session)  # without it USB channels are of no use

    def follow(self, kind, channel):
        if kind in ("port", "webdav"):
            self.ports.append(Port(channel))

    def obey(self, name, *arguments):
        if name == "share_cd":
            self.share_cd(*arguments)
            return
        port = next(port for port in self.ports if port.name == arguments[0])
        if name == "write":
            port.write(arguments[1])
        elif name == "event":
            Spice.PortChannel.event(port.channel, arguments[1])

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
    parser = options_parser("a SPICE viewer with devices")
    parser.add_argument("--share", metavar="FOLDER")
    DeviceViewer(parser.parse_args()).run()


main()
