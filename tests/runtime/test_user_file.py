"""Users in a file: who may read and write it, and what a server notices of that."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest

from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from redspice.sasl.user_file import UserFile, add_user, remove_user
from redspice_protocol.enums import LinkErr
from runtime.link_client import Credentials, LinkClient, run_link
from runtime.peer import Peer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users"


@pytest.fixture
def users(path: Path) -> UserFile:
    add_user(path, "alice", "wonderland")
    return UserFile(path)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_user_in_the_file_gets_in(reds: RedsState, users: UserFile) -> None:
    reds.set_sasl(users)
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"):
        for password, result in (("wonderland", LinkErr.OK), ("sponge", 7)):
            client = LinkClient("main", Credentials(password, "alice", mechanism))
            assert run_link(Peer(reds, tls=True), client) == result


def test_a_server_notices_that_users_come_and_go(path: Path, users: UserFile) -> None:
    assert users.names() == ["alice"]
    assert not add_user(path, "bob", "sponge")
    assert users.names() == ["alice", "bob"]
    assert users.find("bob", "SCRAM-SHA-256") is not None
    remove_user(path, "alice")
    assert users.find("alice", "SCRAM-SHA-256") is None
    assert users.names() == ["bob"]


def test_adding_a_user_again_changes_the_password(path: Path, users: UserFile) -> None:
    assert add_user(path, "alice", "new")
    secret = users.find("alice", "SCRAM-SHA-1")
    assert secret is not None
    assert secret.is_of("new", "SCRAM-SHA-1")
    assert not secret.is_of("wonderland", "SCRAM-SHA-1")


def test_a_certificate_is_for_every_name_in_the_file(path: Path, users: UserFile) -> None:
    add_user(path, "carol", None)
    assert [users.admits_certificate(name) for name in ("carol", "alice", "eve")] == [1, 1, 0]
    assert users.find("carol", "SCRAM-SHA-256") is None


def test_salts_of_names_that_nobody_has_stay_when_the_file_changes(
    path: Path, users: UserFile
) -> None:
    before = users.find_or_decoy("eve", "SCRAM-SHA-256")
    add_user(path, "bob", "sponge")
    assert UserFile(path).find_or_decoy("eve", "SCRAM-SHA-256") == before


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    old = os.umask(0)
    try:
        add_user(path, "alice", "wonderland")
    finally:
        os.umask(old)
    assert mode_of(path) == 0o600
    text = path.read_text()
    assert "wonderland" not in text
    assert text.count("alice:SCRAM-SHA-") == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_use_is_refused(path: Path, users: UserFile, mode: int) -> None:
    path.chmod(mode)
    for call in (
        lambda: UserFile(path),
        lambda: users.find("alice", "SCRAM-SHA-256"),
        lambda: add_user(path, "bob", "sponge"),
    ):
        with pytest.raises(
            ConfigurationError, match=rf"users: others may use it \(mode {mode:04o}"
        ):
            call()
    assert mode_of(path) == mode
    assert "bob" not in path.read_text()


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    for call in (lambda: UserFile(path), lambda: remove_user(path, "alice")):
        with pytest.raises(ConfigurationError, match="users: No such file or directory"):
            call()
    assert not path.exists()
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        add_user(path.parent / "no" / "users", "alice", "wonderland")


def test_a_file_that_is_taken_away_lets_nobody_in(path: Path, users: UserFile) -> None:
    path.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        users.find("alice", "SCRAM-SHA-256")


def test_a_line_that_is_wrong_is_told_with_the_file(path: Path, users: UserFile) -> None:
    with path.open("a") as file:
        file.write("bob\n")
    for call in (users.names, lambda: add_user(path, "carol", None)):
        with pytest.raises(ConfigurationError, match="users: line 5 is not one"):
            call()


def test_a_file_that_is_no_text_is_told(path: Path, users: UserFile) -> None:
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="users: it is not UTF-8"):
        users.names()


def test_a_user_that_is_not_there_cannot_be_removed(path: Path, users: UserFile) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="users: there is no user 'bob'"):
        remove_user(path, "bob")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "password"), [("a:b", "x"), ("", "x"), ("bob", ""), ("bob", "\a")]
)
def test_a_name_or_password_that_is_none_makes_no_file(
    path: Path, name: str, password: str
) -> None:
    with pytest.raises(ConfigurationError):
        add_user(path, name, password)
    assert not path.exists()


def test_two_writers_do_not_lose_a_user(path: Path, users: UserFile) -> None:
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="users: somebody else is changing it"):
            add_user(path, "bob", None)
    add_user(path, "bob", None)
    assert users.names() == ["alice", "bob"]


def test_a_writer_that_opened_the_file_before_another_replaced_it_is_refused(
    path: Path, users: UserFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        add_user(path, "bob", None)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ConfigurationError, match="users: somebody else has just changed it"):
        add_user(path, "carol", None)
    assert users.names() == ["alice", "bob"]


def test_a_disk_that_is_full_leaves_the_old_file(
    path: Path, users: UserFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="users: No space left on device"):
        add_user(path, "bob", None)
    assert users.names() == ["alice"]
    assert os.listdir(path.parent) == ["users"]


def test_a_link_to_the_file_stays_a_link(path: Path, users: UserFile) -> None:
    link = path.parent / "link"
    link.symlink_to(path)
    add_user(link, "bob", None)
    assert link.is_symlink()
    assert users.names() == ["alice", "bob"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_the_file_stays_its_owner(path: Path, users: UserFile) -> None:
    os.chown(path, 12345, 23456)
    add_user(path, "bob", None)
    assert (path.stat().st_uid, path.stat().st_gid, mode_of(path)) == (12345, 23456, 0o600)


def test_the_repr_shows_where_and_no_more(path: Path, users: UserFile) -> None:
    assert repr(users) == f"UserFile({str(path)!r})"
