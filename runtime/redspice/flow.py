"""Flow by bytes: how much may be on its way to a viewer, to fill its line without a long queue.

The ack window counts messages, and a message has a hundred bytes or a million. This window counts
bytes. Now and then a PING marks a place in the stream; the PONG says that all before it has been
*processed*: it has passed every buffer on the way, and the viewer has drawn it. From two answers
follows the rate, from the quickest answer the round trip of an empty line, and from both

    budget = rate * (shortest round trip + QUEUE)

which is what fills the line and lets QUEUE seconds of data stand in front of it. While the line has
room the answers come sooner than that, so the budget grows, at most twofold in a round trip. The
rate is the best of the last RATE_AGE seconds: a packet that is lost holds up all that follow it for
a round trip or two, and a budget that shrank each time would leave most of a line with losses
unused. When the line itself gets slower, the budget shrinks after that time.

Rules: positions are bytes since the start, times are seconds, and the caller says what time it is.
A window that is closed has a mark on its way, or wants to set one: so an answer opens it again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

from redspice.tail_probe import LONG

# Before anything is known: two thirds of what fills a 10 Mbit/s line with 80 ms.
INITIAL_BUDGET = 64 * 1024
# A tenth of a second of a 1.3 Mbit/s line. Less would be a message at a time, and a round trip for
# each.
MIN_BUDGET = 16 * 1024
# What a viewer may have to hold at most: 64 MiB fill 10 Gbit/s with 50 ms.
MAX_BUDGET = 64 * 1024 * 1024
# Seconds of data that may stand in front of a line: enough to survive a hiccup of either end,
# little enough for nobody to notice.
QUEUE = 0.05
# On long lines the budget would grow by too little in a round trip, so there the queue is a part of
# the round trip.
QUEUE_PART = 0.5
# Marks in a full budget: each costs the viewer one short answer.
MARKS = 8
# Seconds for which the shortest round trip is believed. Routes change, and while data stands in
# front of the line nothing shorter can be seen, so then the line must run empty once.
ROUND_TRIP_AGE = 10.0
# Seconds for which the best rate is believed. On a line with losses there is a round trip without
# one in that time; a line that gets slower has too long a queue for no longer.
RATE_AGE = 1.0
# A round trip this much over the shortest still confirms it.
CONFIRMING = 1.125
# Round trips without an answer after which one is late. With a line full of answers one comes every
# eighth of it.
LATE = 1.5
# What fits a packet does not delay itself.
PACKET = 1400


@dataclass(slots=True, eq=False)
class Mark:
    """A place in the stream, and what was known when it was set."""

    position: int
    set_at: float
    flight: int
    """Bytes on their way then."""
    counted_from: int
    """The position that the answer before it had confirmed, from which on the rate counts."""
    counted_at: float
    probe: bool
    """Whether its answer tells the round trip anew."""


class FlowWindow:
    """How much may be sent to one viewer."""

    def __init__(self) -> None:
        self.budget = INITIAL_BUDGET
        self._rates: deque[tuple[float, float]] = deque()  # when and which, the best first
        self.round_trip: float | None = None
        """Seconds of the shortest round trip, once measured."""
        self._round_trip_at = -inf
        self._sent = 0
        self._processed = 0
        self._processed_at = 0.0
        self._counting = False
        self._marked = 0
        self._marks: deque[Mark] = deque()
        self._reminding = False
        self._open_at = 0
        """The position up to which the window was open."""

    @property
    def rate(self) -> float | None:
        """Bytes per second that the viewer takes, once measured."""
        return self._rates[0][1] if self._rates else None

    @property
    def in_flight(self) -> int:
        """Bytes that were sent, and not answered for."""
        return self._sent - self._processed

    @property
    def message_bytes(self) -> int:
        """How large a message should be at most, so that others need not wait long behind it."""
        return self.budget // 4

    @property
    def mark_bytes(self) -> int:
        """How much is sent from one mark to the next."""
        return max(1, self.budget // MARKS)

    @property
    def wants_mark(self) -> bool:
        """Whether `mark` is to be called, and a PING sent, before anything else."""
        unmarked = self._sent - self._marked
        if self._reminding:
            return True
        return unmarked > 0 and (not self._marks or unmarked >= self.mark_bytes)

    @property
    def overdue(self) -> float | None:
        """Seconds after which an answer is late; None where none is to come, or soon anyway."""
        if not self._marks or self.round_trip is None or not self.long:
            return None
        return LATE * self.round_trip

    def remind(self) -> None:
        """Have one more mark set: its answer tells as much as the one that is late."""
        self._reminding = bool(self._marks)

    def wants_probe(self, now: float) -> bool:
        """Whether a mark is to be set on the empty line, before the message that is sent next."""
        return self.in_flight == 0 and not self._marks and self._stale(now)

    def may_send(self, now: float) -> bool:
        """Whether one more message may go. An empty line takes one of any size."""
        may = self.in_flight == 0 or (self.in_flight < self.budget and not self._stale(now))
        if may:
            self._open_at = self._sent
        return may

    @property
    def may_exceed(self) -> bool:
        """Whether something urgent may go though `may_send` says no, half a budget of it until that
        says yes again. On a long line with losses the answers come late, and what waits for them
        comes later still."""
        most = self.budget // 2 + self.message_bytes  # the last message that might go counts too
        return self.long and self._sent - self._open_at < most and self.in_flight < MAX_BUDGET

    @property
    def long(self) -> bool:
        """Whether a round trip is known to be so long that somebody notices."""
        return self.round_trip is not None and self.round_trip >= LONG

    def sent(self, size: int) -> None:
        """A message of `size` bytes went out; marks do not count."""
        if self.in_flight == 0:
            # The rate counts from answer to answer, so the first one after a pause starts it.
            self._counting = False
        self._sent += size

    def mark(self, now: float) -> Mark:
        """Mark what was sent up to now: a PING follows it."""
        flight, probe = self.in_flight, self.in_flight <= PACKET and self._stale(now)
        mark = Mark(self._sent, now, flight, self._processed, self._processed_at, probe)
        if probe:
            self._round_trip_at = now
        self._marks.append(mark)
        self._reminding = False
        self._marked = self._sent
        return mark

    def answered(self, mark: Mark, now: float) -> None:
        """The viewer has processed what is before `mark`, and so what is before earlier ones."""
        if mark not in self._marks:
            return
        while self._marks.popleft() is not mark:
            pass
        self._reminding = self._reminding and bool(self._marks)
        self._note_round_trip(mark, now)
        self._processed, self._processed_at = mark.position, now
        if self._counting:
            self._note_rate(mark, now)
            return
        self._counting = True
        for later in self._marks:
            later.counted_from, later.counted_at = mark.position, now

    def _stale(self, now: float) -> bool:
        return now - self._round_trip_at > ROUND_TRIP_AGE

    def _note_round_trip(self, mark: Mark, now: float) -> None:
        took = now - mark.set_at
        if mark.probe or self.round_trip is None or took < self.round_trip:
            self.round_trip = took
        elif took > self.round_trip * CONFIRMING:
            return
        self._round_trip_at = now

    def _note_rate(self, mark: Mark, now: float) -> None:
        # With half of the budget unused it is not the line that says how much is sent.
        if self.round_trip is None or mark.flight < self.budget // 2:
            return
        # A mark that repeats one says nothing new.
        if mark.position <= mark.counted_from:
            return
        took = max(now - mark.counted_at, 1e-6)
        rate = self._best_rate((mark.position - mark.counted_from) / took, now)
        queue = max(QUEUE, QUEUE_PART * self.round_trip)
        # More than has been on its way proves nothing: answers may come in bunches.
        most = min(2 * min(mark.flight, self.budget), MAX_BUDGET)
        self.budget = max(MIN_BUDGET, min(round(rate * (self.round_trip + queue)), most))

    def _best_rate(self, rate: float, now: float) -> float:
        """The best of the last seconds, this one included."""
        rates = self._rates
        while rates and rates[-1][1] <= rate:
            rates.pop()
        rates.append((now, rate))
        while now - rates[0][0] > RATE_AGE:
            rates.popleft()
        return rates[0][1]
