"""The text of a file of users."""

from __future__ import annotations

from base64 import b64encode

import pytest

from redspice.errors import ConfigurationError
from redspice.sasl.user_table import UserTable, checked_name, format_users, parse_users
from redspice.sasl.users import ScramSecret

SALT, SHA_1, SHA_256 = (b64encode(data).decode() for data in (b"salt" * 3, b"1" * 20, b"2" * 32))
ALICE = f"alice:SCRAM-SHA-256:4096:{SALT}:{SHA_256}:{SHA_256}"


def test_what_is_written_is_read() -> None:
    secret = ScramSecret(20_000, b"s" * 16, b"k" * 32, b"v" * 32)
    old = ScramSecret(4096, b"t" * 12, b"l" * 20, b"w" * 20)
    table = UserTable(
        b"seed" * 8,
        {"zoe": {"SCRAM-SHA-256": secret, "SCRAM-SHA-1": old}, "carol": {}, "ålice b": {}},
    )
    text = format_users(table)
    assert parse_users(text) == table
    assert [line.split(":")[0] for line in text.splitlines()[1:]] == [
        "!decoy",
        "carol",
        "zoe",
        "zoe",
        "ålice b",
    ]


def test_comments_and_empty_lines_mean_nothing() -> None:
    table = parse_users(f"# users\n\n{ALICE}\n#alice:x\n\nbob:EXTERNAL")
    assert sorted(table.secrets) == ["alice", "bob"]


def test_a_user_may_have_a_password_and_a_certificate() -> None:
    table = parse_users(f"alice:EXTERNAL\n{ALICE}\n")
    assert list(table.secrets["alice"]) == ["SCRAM-SHA-256"]


def test_a_file_without_a_seed_gets_one() -> None:
    assert parse_users("").decoy_seed != parse_users("").decoy_seed
    assert len(UserTable().decoy_seed) == 32


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        "alice:",
        "alice:PLAIN:secret",
        "alice:EXTERNAL:",
        ":EXTERNAL",
        "a\u00adlice:EXTERNAL",
        "!alice:EXTERNAL",
        "!decoy",
        "!decoy:=",
        "!decoy:a:b",
        ALICE.replace("SHA-256", "SHA-512"),
        ALICE.replace("SHA-256", "SHA-1"),
        ALICE.replace("4096", "4095"),
        ALICE.replace("4096", "65537"),
        ALICE.replace("4096", "many"),
        ALICE.replace(SALT, b64encode(b"salt" * 2).decode()),
        ALICE.replace(SHA_256, SHA_1, 1),
        ALICE.replace(SHA_256, "?" + SHA_256[1:], 1),
        ALICE + ":",
        ALICE.removesuffix(f":{SHA_256}"),
        ALICE + "\r",
        "bob:EXTERNAL\r",
    ],
)
def test_a_line_that_is_wrong_is_numbered_and_not_shown(line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_users(f"# users\nzoe:EXTERNAL\n{line}\n")
    assert str(caught.value) == "line 3 is not one of a file of users"


def test_a_user_has_one_secret_for_each_mechanism() -> None:
    with pytest.raises(ConfigurationError, match="line 2 "):
        parse_users(f"{ALICE}\n{ALICE}\n")


@pytest.mark.parametrize("name", ["a:b", "#alice", "!alice"])
def test_a_name_that_a_file_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a user name has no colon"):
        checked_name(name)


def test_no_repr_shows_what_is_in_a_table() -> None:
    assert repr(parse_users(ALICE)) == "UserTable()"
