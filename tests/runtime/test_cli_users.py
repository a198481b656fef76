"""`redspice users`: the command, as people type it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from redspice.cli import passwords
from redspice.cli.main import main
from redspice.sasl.user_file import UserFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.txt"


def invoke(*arguments: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["users", *map(str, arguments)], input=stdin)


def password_is(file: Path, name: str, password: str) -> bool:
    secret = UserFile(file).find(name, "SCRAM-SHA-256")
    return secret is not None and secret.is_of(password, "SCRAM-SHA-256")


def test_a_user_is_added_listed_changed_and_removed(file: Path) -> None:
    result = invoke("add", file, "alice", "--password-file", "-", stdin="wonderland\n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "alice: added\n")
    assert password_is(file, "alice", "wonderland")
    result = invoke("add", file, "alice", "--password-file", "-", stdin="rabbit\r\nhole\n")
    assert result.stderr == "alice: changed\n"
    assert password_is(file, "alice", "rabbit")
    invoke("add", file, "Bob", "--certificate")
    assert invoke("list", file).stdout == "Bob\nalice\n"
    result = invoke("remove", file, "alice")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "alice: removed\n")
    assert invoke("list", file).stdout == "Bob\n"


def test_the_password_is_asked_for_twice_and_not_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "has_terminal", lambda: True)
    result = invoke("add", file, "alice", stdin="wonderland\nwonderlant\nrabbit\nrabbit\n")
    assert result.exit_code == 0
    assert password_is(file, "alice", "rabbit")
    assert "wonder" not in result.output
    assert "rabbit" not in result.output


def test_a_password_comes_from_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("  pässword with spaces ")
    assert invoke("add", file, "alice", "--password-file", tmp_path / "password").exit_code == 0
    assert password_is(file, "alice", "  pässword with spaces ")


def refusal(result: Result) -> str:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_what_cannot_be_done_is_one_line(file: Path, tmp_path: Path) -> None:
    assert "No such file" in refusal(invoke("list", file))
    assert "No such file" in refusal(invoke("remove", file, "alice"))
    assert "no colon" in refusal(invoke("add", file, "a:b", "--certificate"))
    empty = invoke("add", file, "alice", "--password-file", "-", stdin="\n")
    assert "the password is empty" in refusal(empty)
    assert "no terminal" in refusal(invoke("add", file, "alice", stdin="wonderland\n"))
    assert not file.exists()
    invoke("add", file, "alice", "--certificate")
    assert "there is no user 'bob'" in refusal(invoke("remove", file, "bob"))
    file.chmod(0o644)
    assert "chmod 600" in refusal(invoke("list", file))


def test_a_password_file_that_is_no_text_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    result = invoke("add", file, "alice", "--password-file", tmp_path / "password")
    assert "UTF-8" in refusal(result)


def test_a_password_and_a_certificate_are_one_too_many(file: Path) -> None:
    result = invoke("add", file, "alice", "--certificate", "--password-file", "-", stdin="x\n")
    assert "either a password or a certificate" in refusal(result)


@pytest.mark.parametrize("command", [(), ("add",), ("remove",), ("list",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
    if not command:
        assert "Examples:" in result.stdout
