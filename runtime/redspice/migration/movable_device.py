"""A char device whose viewer moves to another server, and goes on there with what is left."""

from __future__ import annotations

from typing import TypeVar

from redspice.char_device import CharDevice
from redspice.migration.data import UNLIMITED, CharDeviceData

ClientT = TypeVar("ClientT")
MessageT = TypeVar("MessageT")


class MovableDevice(CharDevice[ClientT, MessageT]):
    """A device of one viewer at the time that it moves."""

    def take_unwritten(self) -> bytes:
        """What the guest has not taken, for another server to write; it is forgotten here."""
        data = b"".join(piece for piece, _ in self._queue)
        self._queue.clear()
        self._queued = 0
        return data

    def save(self, client: ClientT) -> CharDeviceData:
        """The viewer's tokens, and what the guest has not taken; the viewer is forgotten."""
        state = self._clients[client]
        data = CharDeviceData(
            connected=True,
            client_tokens=state.tokens,
            send_tokens=UNLIMITED if state.grant is None else state.grant,
            write_tokens=self.queued_of(client),
            write_data=self.take_unwritten(),
        )
        self.remove_client(client)
        return data

    def restore(self, client: ClientT, data: CharDeviceData) -> None:
        """Let a viewer in that used this device at another server.

        It never has more tokens than one that comes anew.
        """
        self.add_client(client, None if data.send_tokens == UNLIMITED else data.send_tokens)
        state = self._clients.get(client)
        if state is None:
            return  # the device was read for it, and that was its end
        state.tokens = min(data.client_tokens, self.tokens)
        spent = self.tokens - state.tokens
        waiting = min(data.write_tokens, spent)
        for _ in range(spent - waiting):
            self.refund(client)
        if data.write_data:
            self.write(data.write_data, client if waiting else None)
        # It gets one back for the last byte, and with it those for the messages before.
        for _ in range(waiting - 1):
            self.write(b"", client)
