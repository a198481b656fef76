from __future__ import annotations

from redspice.ack import AckWindow


def stalled(window: AckWindow) -> int:
    """Send until blocked; returns how many messages went out."""
    sent = 0
    while not window.blocked:
        window.sent()
        sent += 1
    return sent


def synced_window(window: int = 20) -> AckWindow:
    ack = AckWindow(window)
    ack.synced(ack.next_generation())
    ack.announced()
    return ack


def test_blocks_once_more_than_two_windows_are_out() -> None:
    assert stalled(synced_window()) == 41


def test_an_ack_lets_one_window_through() -> None:
    ack = synced_window()
    stalled(ack)
    ack.acknowledged()
    assert stalled(ack) == 20


def test_surplus_acks_give_no_credit() -> None:
    ack = synced_window()
    for _ in range(1000):
        ack.acknowledged()
    assert stalled(ack) == 41


def test_acks_count_only_after_the_sync_of_this_generation() -> None:
    ack = AckWindow()
    generation = ack.next_generation()
    ack.announced()
    stalled(ack)
    ack.acknowledged()
    assert ack.blocked
    ack.synced(generation + 7)
    ack.acknowledged()
    assert ack.blocked
    ack.synced(generation)
    ack.acknowledged()
    assert not ack.blocked


def test_acks_of_an_old_generation_are_ignored_after_a_new_set_ack() -> None:
    ack = synced_window()
    ack.next_generation()
    ack.announced()
    stalled(ack)
    ack.acknowledged()
    assert ack.blocked


def test_announcing_starts_the_count_anew() -> None:
    ack = synced_window()
    stalled(ack)
    ack.next_generation()
    ack.announced()
    assert stalled(ack) == 41
