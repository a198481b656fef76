"""An agent and viewers that say anything at any time: nothing breaks, and nothing is mixed up."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from redspice.agent.bodies import MessageType, Reply
from redspice.agent.device import CLIENT_TOKENS
from redspice.agent.headers import MESSAGE_HEADER_SIZE
from redspice.agent.messages import build_message
from redspice.errors import PeerError
from redspice.reds import RedsState
from runtime.fake_agent import CLIENT, FakeAgent, chunk, header
from runtime.fake_core import FakeCore

VIEWERS = st.integers(0, 2)
MARKS = (b"a", b"b", b"c")
"""What each viewer's messages are made of."""
NOISE = st.binary(max_size=40)
SAID = build_message(Reply(2, 1))


class Watcher:
    """A viewer that keeps what it is sent, and is gone once it fails."""

    def __init__(self, reds: RedsState) -> None:
        self.reds = reds
        self.got: list[bytes] = []
        self.tokens = CLIENT_TOKENS
        self.room = True
        self.failed = False
        self.message = 0
        """Bytes that are missing of the message that it sends."""

    def send_agent_data(self, piece: bytes) -> None:
        self.got.append(piece)

    def send_agent_tokens(self, count: int) -> None:
        self.tokens += count

    def has_agent_room(self) -> bool:
        return self.room

    def fail_agent(self, reason: str) -> None:
        self.failed = True
        self.reds.agent.viewer_gone(self)


class AgentMachine(RuleBasedStateMachine):
    """Viewers keep to the protocol or not, as the agent does."""

    @initialize()
    def begin(self) -> None:
        self.core = FakeCore()
        self.reds = RedsState()
        self.reds.init(self.core)
        self.watchers = [Watcher(self.reds) for _ in range(3)]
        self.agent: FakeAgent | None = None

    @precondition(lambda self: self.agent is None)
    @rule(room=st.sampled_from([0, 1 << 20]))
    def agent_comes(self, room: int) -> None:
        self.agent = FakeAgent(room)
        self.reds.add_interface(self.agent)

    @precondition(lambda self: self.agent is not None)
    @rule()
    def agent_goes(self) -> None:
        assert self.agent is not None
        self.reds.remove_interface(self.agent)
        self.agent = None
        self._fresh()

    @precondition(lambda self: self.agent is not None)
    @rule(data=st.one_of(NOISE, NOISE.map(chunk), st.just(chunk(SAID))))
    def agent_says(self, data: bytes) -> None:
        assert self.agent is not None
        self.agent.say_bytes(data)

    @precondition(lambda self: self.agent is not None)
    @rule(room=st.integers(1, 5000))
    def agent_reads(self, room: int) -> None:
        assert self.agent is not None
        self.agent.room += room
        self.agent.wakeup()

    @rule(number=VIEWERS, tokens=st.sampled_from([0, 1, 5, 0xFFFFFFFF]))
    def viewer_starts(self, number: int, tokens: int) -> None:
        watcher = self.watchers[number]
        watcher.tokens, watcher.message = CLIENT_TOKENS, 0
        self._let(number, lambda: self.reds.agent.viewer_started(watcher, tokens))

    @rule(number=VIEWERS, size=st.integers(0, 30), last=st.booleans())
    def viewer_sends(self, number: int, size: int, last: bool) -> None:
        """A piece of a good message."""
        watcher = self.watchers[number]
        if watcher.tokens == 0:
            return
        watcher.tokens -= 1
        if watcher.message:
            size = watcher.message if last else min(size, watcher.message)
            piece = MARKS[number] * size
            watcher.message -= size
        else:
            whole = size if last else size + 10
            piece = header(MessageType.CLIPBOARD, whole) + MARKS[number] * size
            watcher.message = whole - size
        self._let(number, lambda: self.reds.agent.viewer_sent(watcher, piece))

    @rule(number=VIEWERS, piece=NOISE)
    def viewer_sends_noise(self, number: int, piece: bytes) -> None:
        watcher = self.watchers[number]
        if not watcher.message:  # else it would be what the message is about
            self._let(number, lambda: self.reds.agent.viewer_sent(watcher, piece))

    @rule(number=VIEWERS, count=st.integers(0, 3))
    def viewer_grants(self, number: int, count: int) -> None:
        watcher = self.watchers[number]
        self._let(number, lambda: self.reds.agent.viewer_granted(watcher, count))

    @rule(number=VIEWERS, room=st.booleans())
    def viewer_has_room(self, number: int, room: bool) -> None:
        self.watchers[number].room = room
        self.reds.agent.viewer_ready(self.watchers[number])

    @rule(number=VIEWERS)
    def viewer_goes(self, number: int) -> None:
        self.reds.agent.viewer_gone(self.watchers[number])
        self.watchers[number] = Watcher(self.reds)

    @rule(seconds=st.sampled_from([0, 1, 31]))
    def time_passes(self, seconds: int) -> None:
        self.core.advance(seconds)
        for number, watcher in enumerate(self.watchers):
            if watcher.failed:
                self.watchers[number] = Watcher(self.reds)

    @invariant()
    def nothing_piles_up(self) -> None:
        device = self.reds.agent._device
        if device is not None:
            assert all(device.queued_of(viewer) <= 2 * CLIENT_TOKENS for viewer in self.watchers)

    @invariant()
    def what_the_agent_hears_is_whole(self) -> None:
        """Of all that it was told, each message has only bytes of one viewer."""
        if self.agent is None:
            return
        heard = bytearray(self.agent.heard)
        missing = 0
        sender = b""
        for port, piece in FakeAgent.chunks(self.agent):
            if port != CLIENT:
                missing, sender = 0, b""
                continue
            if not missing:
                missing = int.from_bytes(piece[16:20], "little") + MESSAGE_HEADER_SIZE
                sender = b""
                content = piece[MESSAGE_HEADER_SIZE:]
            else:
                content = piece
            missing -= len(piece)
            assert missing >= 0
            sender += content
            assert len(set(sender)) <= 1
        self.agent.heard = heard

    def _let(self, number: int, act: Callable[[], None]) -> None:
        """What a connection does: an error of the viewer is its end."""
        try:
            act()
        except PeerError:
            self.reds.agent.viewer_gone(self.watchers[number])
            self.watchers[number] = Watcher(self.reds)

    def _fresh(self) -> None:
        for watcher in self.watchers:
            watcher.tokens, watcher.message = CLIENT_TOKENS, 0


AgentMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAgent = AgentMachine.TestCase
