"""The inputs channel: keys and pointer of a viewer go to the embedder's devices.

Input for a device that is not registered is dropped. Viewers stop sending pointer events when eight
are unanswered, so every fourth is answered, whether or not anybody wanted it. Keys and buttons that
a viewer holds when it goes are released.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from redspice import checks
from redspice.caps import Capabilities, InputsCap
from redspice.channel import TRANSFER, RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.channels.led_sync import LedSync
from redspice.channels.pressed_keys import PressedKeys
from redspice.migration.data import InputsData
from redspice.pipe import PipeItem
from redspice.tail_probe import LONG, TailProbe
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData, MsgEmpty
from redspice_protocol.enums import MouseButton, MouseButtonMask, MouseMode
from redspice_protocol.inputs import (
    MsgcInputsKeyDown,
    MsgcInputsKeyModifiers,
    MsgcInputsKeyUp,
    MsgcInputsMouseMotion,
    MsgcInputsMousePosition,
    MsgcInputsMousePress,
    MsgcInputsMouseRelease,
    MsgInputsInit,
    MsgInputsKeyModifiers,
)

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.framing import Frame
    from redspice.interfaces import MouseInterface, TabletInterface
    from redspice.link import Linked
    from redspice_protocol import Buffer

    Pointer: TypeAlias = MouseInterface | TabletInterface

INPUTS = CHANNELS["inputs"]
INIT = INPUTS.server.by_name["init"]
KEY_MODIFIERS = INPUTS.server.by_name["key_modifiers"]
MOUSE_MOTION_ACK = INPUTS.server.by_name["mouse_motion_ack"]

# Pointer events for which the viewer gets one acknowledgement; fixed by the protocol.
MOTION_ACK_BUNCH = 4
# Pointer events that a viewer sends before it waits for an acknowledgement.
MOST_MOTIONS = 2 * MOTION_ACK_BUNCH
# The reference server's limit; the largest message is a string of scan codes.
MAX_MESSAGE_SIZE = 2048
# The first of the message types that are not those of all channels.
OWN_MESSAGES = 101
# Seconds between two pings while somebody types, and how many follow the last key or movement: the
# next one comes within a second, or the user has paused.
PROBE_EVERY = 0.05
PROBES = 20
# What the user of a viewer is told whose keys others could read on their way. A unix socket has no
# way to read along on: it stays on the machine.
INSECURE = "keyboard channel is insecure"
WHEEL: dict[int, int] = {MouseButton.UP: -1, MouseButton.DOWN: 1}
# A turn of the wheel is no button that is held: some viewers set its bit and nothing clears it.
HELD = 0xFFFF & ~int(MouseButtonMask.UP | MouseButtonMask.DOWN)


def ignore(round_trip: float) -> None:
    """What the answer of a ping means that was only sent to have one."""


class InputsChannelClient(RedChannelClient):
    """Keyboard and pointer of one viewer."""

    channel: InputsChannel
    modifiers = 0
    """The lock keys as the viewer last reported them."""
    shown_leds: int | None = None
    """The lock lights that the viewer was last told."""
    motion_count = 0
    """Pointer events that are not acknowledged."""
    buttons = 0
    """The mouse buttons that the viewer last said to hold."""
    pointer: Pointer | None = None
    """What was told of them; another one if who moves the pointer has changed since."""

    def __init__(
        self, channel: InputsChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self._pressed = PressedKeys()
        self._tail = TailProbe(channel.core, self._probe)
        self._leds = LedSync(
            channel.core, channel.leds_now, self._push_fragments, self._leds_settled
        )

    def start(self) -> None:
        super().start()
        self._push_init()
        main = self.client.main
        # The user of a viewer that comes from another server was told there.
        here = self.client.target is None
        if main is not None and here and not self.connection.transport.secret:
            main.notify(INSECURE)

    def save(self) -> bytes:
        return InputsData(motion_count=min(self.motion_count, MOST_MOTIONS)).build()

    def restore(self, data: Buffer) -> None:
        """Keys that the viewer holds are not known here; it will say when it lets them go."""
        state = InputsData.parse(data)
        super().start()
        self._push_init()
        self.motion_count = min(state.motion_count, MOST_MOTIONS)
        self._acknowledge_motions()

    def disconnected(self) -> None:
        super().disconnected()
        self._tail.stop()
        self._leds.stop()
        try:
            self._release_buttons()
        finally:
            self._push_fragments(self._pressed.release())

    def _dispatch(self, frame: Frame) -> None:
        super()._dispatch(frame)
        latency = self.latency_monitor.latency
        if latency is None or latency < LONG or frame.type < OWN_MESSAGES:
            return
        if not self.connection.closed and self.departure is None:
            self._tail.watch(PROBE_EVERY, PROBES)

    def _probe(self) -> None:
        # A viewer that answers none must not fill the memory.
        if self.pings.waiting < 2 * PROBES:
            self.push_urgent(self.pings.item(ignore))

    def leds_changed(self) -> None:
        """Tell the viewer, unless it knows."""
        if self.shown_leds != self.channel.leds:
            self.mark_due(self._leds_item)

    def on_key(self, message: MsgcInputsKeyDown | MsgcInputsKeyUp) -> None:
        """Up to four bytes of scan code, the first in the lowest byte, ended by a zero."""
        self._push_scan_code(message.code.to_bytes(4, "little").split(b"\0", 1)[0])

    def on_key_scancode(self, message: MsgData) -> None:
        self._push_scan_code(bytes(message.data))

    def on_key_modifiers(self, message: MsgcInputsKeyModifiers) -> None:
        self.modifiers = message.modifiers
        self._leds.told(message.modifiers)

    def on_mouse_motion(self, message: MsgcInputsMouseMotion) -> None:
        self._count_motion()
        if (mouse := self.channel.mouse) is not None:
            mouse.motion(message.dx, message.dy, 0, self._hold(message.buttons_state))

    def on_mouse_position(self, message: MsgcInputsMousePosition) -> None:
        self._count_motion()
        if (tablet := self.channel.tablet) is not None:
            tablet.display_id = message.display_id
            tablet.position(message.x, message.y, self._hold(message.buttons_state))

    def on_mouse_press(self, message: MsgcInputsMousePress) -> None:
        dz = WHEEL.get(message.button)
        buttons = self._hold(message.buttons_state)
        if dz is None:
            self._push_buttons(buttons)
        else:
            self._push_wheel(dz, buttons)

    def on_mouse_release(self, message: MsgcInputsMouseRelease) -> None:
        if message.button not in WHEEL:
            self._push_buttons(self._hold(message.buttons_state))

    def _push_init(self) -> None:
        self.shown_leds = self.channel.leds_now()
        self.push(PipeItem(INIT, MsgInputsInit(keyboard_modifiers=self.shown_leds)))

    def _hold(self, mask: int) -> int:
        if self.channel.pointer is not self.pointer:
            self._release_buttons()
            self.pointer = self.channel.pointer
        # Letting go may have ended the viewer, after which nothing would release these.
        self.buttons = 0 if self.connection.closed else mask & HELD
        return self.buttons

    def _release_buttons(self) -> None:
        """Let go of what is held, on the device that was told so, unless that is gone."""
        buttons, self.buttons = self.buttons, 0
        if buttons and self.pointer is not None and self.pointer in self.channel.pointers:
            self.pointer.buttons(0)

    def _push_scan_code(self, fragments: bytes) -> None:
        keyboard = self.channel.reds.devices.keyboard
        if keyboard is None:
            return
        for fragment in fragments:
            # The keyboard may end the connection, which releases what was followed up to now.
            if self.connection.closed:
                return
            if (key := self._pressed.follow(fragment)) is not None:
                self._leds.key_pressed(key)
            keyboard.push_scan_freg(fragment)

    def _push_fragments(self, fragments: bytes) -> None:
        """Scan codes that the viewer did not send itself."""
        if (keyboard := self.channel.reds.devices.keyboard) is not None:
            for fragment in fragments:
                keyboard.push_scan_freg(fragment)

    def _push_buttons(self, buttons: int) -> None:
        if (pointer := self.channel.pointer) is not None:
            pointer.buttons(buttons)

    def _push_wheel(self, dz: int, buttons: int) -> None:
        if (mouse := self.channel.mouse) is not None:
            mouse.motion(0, 0, dz, buttons)
        if (tablet := self.channel.tablet) is not None:
            tablet.wheel(dz, buttons)

    def _leds_settled(self) -> None:
        self.channel.push_leds(self.channel.leds_now())
        # Also if it was told before: it may have changed its own mind since.
        self.mark_due(self._leds_item)

    def _leds_item(self) -> PipeItem:
        self.shown_leds = self.channel.leds
        return PipeItem(KEY_MODIFIERS, MsgInputsKeyModifiers(modifiers=self.shown_leds))

    def _count_motion(self) -> None:
        self.motion_count += 1
        self._acknowledge_motions()

    def _acknowledge_motions(self) -> None:
        # A viewer that moves to another server is answered there.
        while self.motion_count >= MOTION_ACK_BUNCH and self.departure is None:
            self.motion_count -= MOTION_ACK_BUNCH
            self.push(PipeItem(MOUSE_MOTION_ACK, MsgEmpty()))

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "key_down": on_key,
        "key_up": on_key,
        "key_scancode": on_key_scancode,
        "key_modifiers": on_key_modifiers,
        "mouse_motion": on_mouse_motion,
        "mouse_position": on_mouse_position,
        "mouse_press": on_mouse_press,
        "mouse_release": on_mouse_release,
    }


class InputsChannel(RedChannel[InputsChannelClient]):
    """The channel on which viewers type and point."""

    messages = INPUTS
    max_message_size = MAX_MESSAGE_SIZE
    local_caps = Capabilities((InputsCap.KEY_SCANCODE,))
    migration_flags = TRANSFER
    client_class = InputsChannelClient
    leds = 0
    """The lock lights that `push_leds` was last given."""

    @property
    def mouse(self) -> MouseInterface | None:
        """The mouse, while it is what moves the pointer."""
        return (
            self.reds.devices.mouse if self.reds.mouse_modes.current == MouseMode.SERVER else None
        )

    @property
    def tablet(self) -> TabletInterface | None:
        """The tablet, while it is what moves the pointer; the agent's, if there is one that can."""
        if self.reds.mouse_modes.current != MouseMode.CLIENT:
            return None
        return self.reds.agent.tablet or self.reds.devices.tablet

    @property
    def pointer(self) -> Pointer | None:
        """The device that moves the pointer now."""
        return self.tablet if (mouse := self.mouse) is None else mouse

    @property
    def pointers(self) -> tuple[Pointer | None, ...]:
        """All that could."""
        devices = self.reds.devices
        return devices.mouse, devices.tablet, self.reds.agent.tablet

    def leds_now(self) -> int:
        """The guest's lock lights. Raises `ConfigurationError` for impossible ones."""
        keyboard = self.reds.devices.keyboard
        return 0 if keyboard is None else checks.leds(keyboard.get_leds())

    def push_leds(self, leds: int) -> None:
        """Tell every viewer that the guest's lock lights changed.

        Raises `ConfigurationError` for what does not fit 16 bits.
        """
        self.leds = checks.leds(leds)
        for channel_client in self.clients:
            channel_client.leds_changed()
