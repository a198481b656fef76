"""`redspice serve --config`: the options in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from redspice.display.compression import Compression
from redspice.limits import LIMITS, Limits
from redspice.transport import Transport
from redspice_protocol import CHANNELS
from redspice_protocol.enums import LinkErr
from runtime.certificates import server_files
from runtime.command import (
    SMALL,
    SocketPeer,
    first_line,
    port_of,
    prepared,
    refusal_of,
    running,
)

MAIN, INPUTS = CHANNELS["main"].id, CHANNELS["inputs"].id
PLAIN, TLS = Transport("plain"), Transport("tls", tls=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder / "redspice.toml"


FULL = """
source = "demo"
size = "64x48"
frozen = true
compression = "lz"

host = "127.0.0.2"
port = 0
tls-port = 0
cert = "cert.pem"
key = "key.pem"
unix = "s"
ws-origin = ["https://desk.example.org"]

password-file = "secret.txt"
multi = true
max-clients = 3
link-timeout = 5

[security]
inputs = "tls"
"""


def test_a_file_says_everything(file: Path) -> None:
    files = server_files(file.parent)
    (file.parent / "secret.txt").write_text("open sesame\n")
    file.write_text(FULL)
    with running("serve", "--config", str(file)) as process:
        plain, secured, local = (first_line(process) for _ in range(3))
        assert plain.startswith("listening on 127.0.0.2:")
        assert secured.endswith(" (TLS)")
        assert local == f"listening on {file.parent / 's'}"
        port = int(secured.removesuffix(" (TLS)").rpartition(":")[2])
        context = files.viewer()
        context.check_hostname = False
        with pytest.raises(ConnectionRefusedError):
            SocketPeer(port, context)  # on another address


def test_a_file_sets_what_options_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server_files(file.parent)
    (file.parent / "secret.txt").write_text("open sesame\n")
    file.write_text(FULL)
    reds = prepared(monkeypatch, "--config", str(file))
    assert reds.limits == Limits(max_clients=3, link_timeout=5)
    assert reds.allow_multiple_clients
    assert reds.image_compression is Compression.LZ
    assert reds.admission.check_password(b"open sesame")
    assert not reds.admission.check_password(b"")
    assert reds.admission.check_channel(INPUTS, PLAIN) == LinkErr.NEED_SECURED


def test_the_command_line_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "secret.txt").write_text("open sesame\n")
    file.write_text(FULL.replace("tls-port", "port = 1 #").replace("port = 0", ""))
    lines = FULL.splitlines()
    file.write_text(
        "\n".join(line for line in lines if not line.startswith(("tls", "cert", "key")))
    )
    options = ("--single", "--max-clients", "2", "--compression", "quic", "--password", "other")
    rules = ("--security", "main=tls", "--security", "inputs=both")
    reds = prepared(monkeypatch, "demo", "--config", str(file), *options, *rules)
    assert reds.limits == Limits(max_clients=2, link_timeout=5)
    assert not reds.allow_multiple_clients
    assert reds.image_compression is Compression.QUIC
    assert reds.admission.check_password(b"other")
    assert reds.admission.check_channel(INPUTS, PLAIN) == LinkErr.OK
    assert reds.admission.check_channel(MAIN, PLAIN) == LinkErr.NEED_SECURED


def test_rules_of_both_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[security]\ninputs = "tls"\nmain = "plain"\n')
    rules = ("--security", "main=tls")
    reds = prepared(monkeypatch, "demo", *SMALL, "--config", str(file), *rules)
    assert reds.admission.check_channel(INPUTS, PLAIN) == LinkErr.NEED_SECURED
    assert reds.admission.check_channel(MAIN, PLAIN) == LinkErr.NEED_SECURED
    assert reds.admission.check_channel(MAIN, TLS) == LinkErr.OK


def test_the_environment_wins_over_a_file(file: Path) -> None:
    (file.parent / "secret.txt").write_text("open sesame\n")
    file.write_text('password-file = "secret.txt"\nsize = "64x48"\nport = 0\n')
    arguments = ("serve", "demo", "--config", str(file))
    with running(*arguments, REDSPICE_PASSWORD="other") as process:
        port = port_of(first_line(process))
        for password, result in (("open sesame", LinkErr.PERMISSION_DENIED), ("other", LinkErr.OK)):
            with SocketPeer(port) as peer:
                assert peer.link("main", password=password) == result


def test_names_of_files_are_relative_to_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (5, 4)).save(file.parent / "picture.png")
    file.write_text('source = "image:picture.png"\n')
    assert prepared(monkeypatch, "--config", str(file)).channels.display_count() == 1
    assert refusal_of("image:picture.png").startswith("picture.png: cannot read")
    monkeypatch.chdir(file.parent)
    assert prepared(monkeypatch, "--config", file.name).channels.display_count() == 1


def test_absolute_and_abstract_names_stay(file: Path) -> None:
    name = f"@redspice-config-{file.parent.parent.name}"
    file.write_text(f'source = "demo"\nsize = "64x48"\nunix = "{name}"\n')
    with running("serve", "--config", str(file)) as process:
        assert first_line(process) == f"listening on {name}"


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_a_key(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = 4 if LIMITS[name].default is None else int(LIMITS[name].default or 0) + 1
    file.write_text(f"{name.replace('_', '-')} = {value}\n")
    reds = prepared(monkeypatch, "demo", *SMALL, "--config", str(file))
    assert getattr(reds.limits, name) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 5900", "there is no option 'prot'; is it 'port'?"),
        ("link_timeout = 5", "there is no option 'link_timeout'; is it 'link-timeout'?"),
        ("colour = 'red'", "there is no option 'colour'"),
        ("config = 'other.toml'", "there is no option 'config'"),
        ("help = true", "there is no option 'help'"),
        ("[limits]\nlink-timeout = 5", "there is no option 'limits'"),
        ("password = 'secret'", "a password belongs in a file of its own: password-file"),
        ("port = '5900'", "port: '5900' is not a whole number"),
        ("port = true", "port: True is not a whole number"),
        ("port = 5930.7", "port: 5930.7 is not a whole number"),
        ("metrics-port = inf", "metrics-port: inf is not a whole number"),
        ("port = 70000", "port: 70000 is not in the range 0<=x<=65535."),
        ("host = 127", "host: 127 is not a text in quotes"),
        ("multi = 'yes'", "multi: 'yes' is not true or false"),
        ("frozen = 1", "frozen: 1 is not true or false"),
        ("compression = 'zip'", "compression: 'zip' is not one of"),
        ("ws-origin = '*'", "ws-origin: it is an array"),
        ("ws-origin = [1]", "ws-origin: 1 is not a text in quotes"),
        ("security = 'tls'", "security: it is a table"),
        ("[security]\nmain = 'ssl'", "security: 'ssl' is not one of plain, tls, both"),
        ("[security]\nvideo = 'tls'", "security: 'video' is not one of default, "),
        ("link-timeout = 0", "link-timeout: 0 is not in 0.001..86400"),
        ("link-timeout = nan", "link-timeout: nan is not a number of seconds"),
        ("max-sockets = 1.5", "max-sockets: 1.5 is not a number of sockets"),
        ("[port]", "port: {} is not a whole number"),
        ("port =", "Invalid value (at "),
        ("port = 1\nport = 2", "Cannot overwrite a value (at "),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_file_and_key(
    text: str, complaint: str, file: Path
) -> None:
    file.write_text(text)
    assert refusal_of("demo", *SMALL, "--config", str(file)).startswith(f"{file}: {complaint}")


def test_a_mistake_counts_also_where_the_command_line_wins(file: Path) -> None:
    file.write_text("port = 70000")
    assert refusal_of("demo", "--port", "0", "--config", str(file)).startswith(f"{file}: port: ")


def test_a_file_that_cannot_be_read_is_one_line(file: Path) -> None:
    line = refusal_of("demo", "--config", str(file))
    assert line == f"cannot read {file}: No such file or directory"
    file.write_bytes(b"\xff")
    assert refusal_of("demo", "--config", str(file)) == f"{file}: it is not text in UTF-8"
    assert "Is a directory" in refusal_of("demo", "--config", str(file.parent))
