"""The agent of a server: between its device and the main channels of the viewers.

    device registered    AGENT_CONNECTED(_TOKENS) to all viewers
    AGENT_START          the viewer takes part; until then what it sends is dropped
    AGENT_DATA           spends a token, passes the filter, waits for its turn, goes to the agent
    viewer goes          CLIENT_DISCONNECTED to the agent, if it has heard of it
    device removed       AGENT_DISCONNECTED to all viewers, which have to start anew

Several viewers. Every message of the agent goes to all that had started it when the message began;
each has its own tokens. Their own messages go to the agent one after the other, never mixed. The
agent knows of one viewer only, so it is told that the viewer has gone when the last one goes, and
when one goes in the middle of a message: that resets what the agent has read of it.

Whose error it is, bears it: a viewer is disconnected, the agent's device is closed (told by
`state(False)`) and viewers see that there is no agent any more. The embedder removes the device
then, and registers one again when an agent connects again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from redspice.agent.bodies import (
    ClientDisconnected,
    DeviceDisplay,
    GraphicsDeviceInfo,
)
from redspice.agent.capabilities import AgentCap
from redspice.agent.device import (
    CLIENT_TOKENS,
    MAX_QUEUED,
    RESULTS,
    AgentDevice,
    AgentViewer,
    verdict_of,
)
from redspice.agent.errors import AgentError
from redspice.agent.filter import AgentRules, MessageFilter, Verdict
from redspice.agent.messages import build_message
from redspice.agent.monitors import MonitorsCollector
from redspice.agent.pointer import AgentTablet
from redspice.agent.turns import Turns
from redspice.errors import AlreadyRegisteredError, ProtocolError
from redspice.interfaces import QxlInterface
from redspice.migration.data import UNLIMITED, CharDeviceData, MainData, ToAgent

if TYPE_CHECKING:
    from redspice.interfaces import CharDeviceInterface
    from redspice.limits import Limits
    from redspice.reds import RedsState

logger = logging.getLogger("redspice")

CLIENT_GONE = build_message(ClientDisconnected())


class _Line:
    """What one viewer, which has started the agent, is in the middle of saying."""

    def __init__(self, rules: AgentRules) -> None:
        self.filter = MessageFilter(rules)
        self.monitors = MonitorsCollector()
        self.spoke = False
        """Whether the agent has heard of the viewer."""


class AgentRelay:
    """The agent, whether there is one or not."""

    def __init__(self, reds: RedsState) -> None:
        self.rules = AgentRules()
        """What the agent and viewers may tell each other. What begins later follows a change;
        viewers learn that files may be sent again when the agent announces itself again."""
        self._reds = reds
        self._mouse = True
        self._tablet = AgentTablet(self._pointer_due)
        self._device: AgentDevice | None = None
        self._lines: dict[AgentViewer, _Line] = {}
        self._turns: Turns[AgentViewer]

    @property
    def connected(self) -> bool:
        """Whether there is an agent."""
        return self._device is not None

    @property
    def mouse(self) -> bool:
        """Whether the agent may move the pointer."""
        return self._mouse

    @mouse.setter
    def mouse(self, allowed: bool) -> None:
        self._mouse = allowed
        self._reds.screens_changed()

    @property
    def tablet(self) -> AgentTablet | None:
        """What moves the pointer through the agent, if one can: an agent that has announced
        nothing yet is taken to."""
        device = self._device
        if device is None or not self._mouse:
            return None
        able = device.caps is None or AgentCap.MOUSE_STATE in device.caps
        return self._tablet if able else None

    # The device.

    def attach(self, interface: CharDeviceInterface) -> None:
        """An agent is there. Raises `AlreadyRegisteredError` if there is one already."""
        self.check_free()
        core = self._reds.core
        device = AgentDevice(
            core,
            interface,
            self.rules,
            lambda reason: self._fail(device, reason),
            self._announced,
            self._expecting,
            self._limits,
        )
        self._device = device
        self._turns = Turns(core, device.write_piece, self._overdue, self._limits)
        self._reds.main.push_agent_connected()
        self._reds.screens_changed()
        if self._device is device:  # the embedder was told of the screens, and may have removed it
            device.open()

    def check_free(self) -> None:
        """Raises `AlreadyRegisteredError` if there is an agent."""
        if self._device is not None:
            raise AlreadyRegisteredError("there is an agent already")

    def detach(self, interface: CharDeviceInterface) -> None:
        """The agent is gone. Harmless if it was given up before."""
        if self._device is not None and self._device.interface is interface:
            self._drop(self._device)

    def device_info_changed(self) -> None:
        """A screen has another place among the guest's graphics devices."""
        device = self._device
        if device is not None and AgentCap.GRAPHICS_DEVICE_INFO in (device.caps or ()):
            device.say(self._device_info)

    # The viewers.

    def viewer_started(self, viewer: AgentViewer, tokens: int) -> None:
        """A viewer takes part, and takes so many pieces of messages for a start.

        Raises `ProtocolError` if it does so again and again.
        """
        device = self._device
        if device is None:
            return
        # Said again it was meant for a new agent, and the viewer counts from the beginning. That
        # happens once, so it is no way to more tokens.
        if device.queued_of(viewer) > CLIENT_TOKENS:
            raise ProtocolError("agent_start again, before the agent has read what was sent")
        self.viewer_gone(viewer)
        if self._device is device:
            self._lines[viewer] = _Line(self.rules)
            device.add_client(viewer, None if tokens == UNLIMITED else tokens)

    def viewer_granted(self, viewer: AgentViewer, tokens: int) -> None:
        """A viewer takes so many pieces more."""
        if self._device is not None and viewer in self._lines:
            self._device.grant(viewer, tokens)

    def viewer_sent(self, viewer: AgentViewer, piece: bytes) -> None:
        """A piece of a viewer's message. Raises `ProtocolError`."""
        line, device = self._lines.get(viewer), self._device
        if line is None or device is None:
            return
        device.spend(viewer)
        if line.filter.between_messages:
            line.filter.monitors_config = self._screens_follow()
        verdict = line.filter.check(piece)
        if verdict is Verdict.PROTO_ERROR:
            raise ProtocolError(line.filter.error)
        if verdict is Verdict.FORWARD:
            line.spoke = True
            self._turns.submit(viewer, piece, line.filter.between_messages)
            return
        device.refund(viewer)
        if verdict is Verdict.MONITORS_CONFIG:
            self._follow(line, piece)

    def viewer_ready(self, viewer: AgentViewer) -> None:
        """A viewer's connection has room again."""
        if self._device is not None and viewer in self._lines:
            self._device.room_again()

    def viewer_gone(self, viewer: AgentViewer) -> None:
        """A viewer takes no part any more."""
        device, line = self._device, self._lines.pop(viewer, None)
        if device is None or line is None:
            self.read_on()
            return
        device.remove_client(viewer)
        cut = self._turns.leave(viewer)
        if cut or (line.spoke and not self._lines):
            device.write_own(CLIENT_GONE)
        self._turns.advance()
        if device.queued > MAX_QUEUED:
            self._fail(device, f"it has not read {device.queued} bytes")
        else:
            device.read()

    # Moving to another server; only a viewer that is alone takes its state along.

    def viewer_leaves(self, viewer: AgentViewer) -> None:
        """From now on nothing can be sent to a viewer."""
        if self._device is not None and viewer in self._lines:
            self._device.pass_partial()

    def save(self, viewer: AgentViewer) -> MainData:
        """What another server is to know of a viewer, which is forgotten here."""
        device, line = self._device, self._lines.pop(viewer, None)
        if device is None or line is None:
            return MainData(agent=CharDeviceData(connected=device is not None))
        self._turns.leave(viewer)
        said = ToAgent(remaining=line.filter.remaining, filter_result=RESULTS[line.filter.verdict])
        reading = device.save_reading()
        return MainData(agent=device.save(viewer), started=True, from_agent=reading, to_agent=said)

    def restore(self, viewer: AgentViewer, data: MainData) -> None:
        """Go on with a viewer of another server, if it had started the agent.

        The viewer may have made its state up. So it counts only where nobody has talked to this
        agent, and what the rules could not look at counts only where they forbid nothing.

        Raises `AgentError` for a state that cannot be.
        """
        device = self._device
        if device is None or not data.started:
            return
        if len(data.agent.write_data) > MAX_QUEUED:
            raise AgentError(
                f"{len(data.agent.write_data)} bytes for the agent, at most {MAX_QUEUED}"
            )
        first = device.untouched and not self._lines
        passes = first and self.rules.everything

        def verdict(result: int) -> Verdict:
            return verdict_of(result) if passes else Verdict.DISCARD

        if first:
            device.restore_reading(viewer, data.from_agent, verdict(data.from_agent.filter_result))
        line = _Line(self.rules)
        line.spoke = True
        line.filter.resume(data.to_agent.remaining, verdict(data.to_agent.filter_result))
        if line.filter.verdict is Verdict.FORWARD and not line.filter.between_messages:
            self._turns.resume(viewer)
        if not passes:
            self._leave_out(data, device)
        self._lines[viewer] = line
        device.restore(viewer, data.agent)

    def read_on(self) -> None:
        """Read the agent, if that had to wait for a viewer from another server."""
        if self._device is not None:
            self._device.read()

    # Inside.

    def _limits(self) -> Limits:
        return self._reds.limits

    def _leave_out(self, data: MainData, device: AgentDevice) -> None:
        """Make the agent forget what it has heard of a message whose rest is left out."""
        said, agent = data.to_agent, data.agent
        half = said.remaining and verdict_of(said.filter_result) is Verdict.FORWARD
        if not self._lines and (half or agent.write_data):
            device.write_own(CLIENT_GONE)
        agent.write_data, agent.write_tokens = b"", 0

    def _expecting(self) -> bool:
        """Whether a viewer is on its way that may bring the state of its talk."""
        mains = [client.main for client in self._reds.clients]
        return self._reds.seamless_migration and any(
            main is not None and main.arrival is not None for main in mains
        )

    def _follow(self, line: _Line, piece: bytes) -> None:
        """Let the screens act on what a viewer would like, once all of it is there."""
        assert line.filter.header is not None
        config = line.monitors.add(line.filter.header, piece)
        if config is not None:
            for qxl in self._screens():
                qxl.client_monitors_config(config)

    def _screens(self) -> list[QxlInterface]:
        return cast("list[QxlInterface]", self._reds.devices.of(QxlInterface))

    def _screens_follow(self) -> bool:
        screens = self._screens()
        return bool(screens) and all(qxl.follows_monitors_config for qxl in screens)

    def _announced(self) -> None:
        self._reds.screens_changed()
        self.device_info_changed()

    def _device_info(self) -> bytes | None:
        displays = [
            DeviceDisplay(qxl.id, monitor, display, qxl.device_address.encode() + b"\0")
            for qxl in self._screens()
            for monitor, display in enumerate(qxl.device_display_ids)
        ]
        return build_message(GraphicsDeviceInfo(displays)) if displays else None

    def _pointer_due(self) -> None:
        if self._device is not None:
            self._device.say(self._pointer_state)
        else:  # removed as the mouse, which was used before, let go of a button
            self._tablet.clear()

    def _pointer_state(self) -> bytes | None:
        state = self._tablet.next()
        if state is None:
            return None
        self._pointer_due()
        return build_message(state)

    def _overdue(self, viewer: AgentViewer) -> None:
        viewer.fail_agent("a message to the agent has no end, and others wait")

    def _fail(self, device: AgentDevice, reason: str) -> None:
        logger.warning("agent: %s", reason)
        self._drop(device)

    def _drop(self, device: AgentDevice) -> None:
        self._device = None
        self._lines.clear()
        self._turns.close()
        self._tablet.clear()
        self._reds.main.push_agent_disconnected()
        self._reds.screens_changed()
        device.close()
