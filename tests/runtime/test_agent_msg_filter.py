"""The filter of agent messages: which pieces pass."""

from __future__ import annotations

import pytest

from redspice.agent.bodies import MessageType
from redspice.agent.filter import CLIPBOARD_TYPES, FILE_TYPES, AgentRules, MessageFilter, Verdict
from runtime.fake_agent import header

FORWARD, DISCARD = Verdict.FORWARD, Verdict.DISCARD
MONITORS_CONFIG, PROTO_ERROR = Verdict.MONITORS_CONFIG, Verdict.PROTO_ERROR
OTHERS = sorted(set(MessageType) - CLIPBOARD_TYPES - FILE_TYPES)


def message_filter(copypaste: bool = True, file_xfer: bool = True) -> MessageFilter:
    return MessageFilter(AgentRules(copypaste, file_xfer))


@pytest.mark.parametrize("type", MessageType)
def test_everything_passes_where_nothing_is_forbidden(type: MessageType) -> None:
    assert message_filter().check(header(type, 0)) is FORWARD


@pytest.mark.parametrize("type", sorted(CLIPBOARD_TYPES))
def test_without_copy_and_paste_no_clipboard_passes(type: MessageType) -> None:
    assert message_filter(copypaste=False).check(header(type, 3) + b"abc") is DISCARD
    assert message_filter(file_xfer=False).check(header(type, 3) + b"abc") is FORWARD


@pytest.mark.parametrize("type", sorted(FILE_TYPES))
def test_without_file_transfers_no_file_passes(type: MessageType) -> None:
    assert message_filter(file_xfer=False).check(header(type, 3) + b"abc") is DISCARD
    assert message_filter(copypaste=False).check(header(type, 3) + b"abc") is FORWARD


@pytest.mark.parametrize("type", OTHERS)
def test_everything_else_passes_always(type: MessageType) -> None:
    assert message_filter(False, False).check(header(type, 0)) is FORWARD


def test_messages_of_a_later_protocol_pass() -> None:
    assert message_filter(False, False).check(header(4711, 2) + b"ab") is FORWARD


def test_all_pieces_of_a_message_share_its_fate() -> None:
    sieve = message_filter(copypaste=False)
    assert sieve.check(header(MessageType.CLIPBOARD, 10) + b"1234") is DISCARD
    assert sieve.check(b"56789") is DISCARD
    assert sieve.remaining == 1
    assert sieve.check(b"0") is DISCARD
    assert sieve.check(header(MessageType.REPLY, 8) + bytes(8)) is FORWARD


def test_a_message_may_be_a_header_and_nothing_else() -> None:
    sieve = message_filter()
    for _ in range(3):
        assert sieve.check(header(MessageType.CLIENT_DISCONNECTED, 0)) is FORWARD
        assert sieve.between_messages


def test_a_piece_without_bytes_in_the_middle_changes_nothing() -> None:
    sieve = message_filter()
    sieve.check(header(MessageType.REPLY, 8))
    assert sieve.check(b"") is FORWARD
    assert sieve.remaining == 8


@pytest.mark.parametrize("size", range(20))
def test_a_split_header_is_an_error(size: int) -> None:
    sieve = message_filter()
    assert sieve.check(header(MessageType.REPLY, 0)[:size]) is PROTO_ERROR
    assert sieve.error == f"{size} bytes of a message header, which has 20"


@pytest.mark.parametrize("protocol", [0, 2, 0xFFFFFFFF])
def test_another_protocol_is_an_error(protocol: int) -> None:
    sieve = message_filter()
    assert sieve.check(header(MessageType.REPLY, 0, protocol)) is PROTO_ERROR
    assert sieve.error == f"agent protocol {protocol}, not 1"


def test_a_first_piece_longer_than_its_message_is_an_error() -> None:
    sieve = message_filter()
    assert sieve.check(header(MessageType.CLIPBOARD, 3) + b"1234") is PROTO_ERROR
    assert sieve.error == "4 bytes of a message of which 3 are missing"


def test_a_later_piece_longer_than_what_remains_is_an_error() -> None:
    sieve = message_filter()
    assert sieve.check(header(MessageType.CLIPBOARD, 3) + b"12") is FORWARD
    assert sieve.check(b"34") is PROTO_ERROR
    assert sieve.error == "2 bytes of a message of which 1 are missing"


def test_after_an_error_nothing_passes() -> None:
    sieve = message_filter()
    sieve.check(b"")
    assert sieve.check(header(MessageType.REPLY, 0)) is PROTO_ERROR


def test_monitors_are_the_servers_where_it_says_so() -> None:
    sieve = message_filter(False, False)
    sieve.monitors_config = True
    assert sieve.check(header(MessageType.MONITORS_CONFIG, 8) + bytes(4)) is MONITORS_CONFIG
    sieve.monitors_config = False
    assert sieve.check(bytes(4)) is MONITORS_CONFIG
    assert sieve.check(header(MessageType.MONITORS_CONFIG, 8)) is FORWARD


def test_what_is_allowed_counts_for_messages_that_begin_later() -> None:
    rules = AgentRules()
    sieve = MessageFilter(rules)
    assert sieve.check(header(MessageType.CLIPBOARD, 2) + b"1") is FORWARD
    rules.copypaste = False
    assert sieve.check(b"2") is FORWARD
    assert sieve.check(header(MessageType.CLIPBOARD, 0)) is DISCARD
