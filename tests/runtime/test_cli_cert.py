"""`redspice cert`: files, their rights, and what is in them."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from redspice.aio import tls_context
from redspice.cli.main import main

NAMES = ("ca-cert.pem", "server-cert.pem", "server-key.pem")


def cert(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["cert", str(folder), *arguments])


def subject_names(folder: Path) -> list[str]:
    (certificate,) = x509.load_pem_x509_certificates((folder / NAMES[1]).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_the_files_fit_together_and_the_key_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "trial"
    assert cert(folder).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert stat.S_IMODE((folder / "server-key.pem").stat().st_mode) == 0o600
    assert tls_context(folder / NAMES[1], folder / NAMES[2])
    viewer = ssl.create_default_context(cafile=folder / NAMES[0])
    assert viewer.cert_store_stats()["x509_ca"] == 1
    assert subject_names(folder) == ["localhost", "127.0.0.1", "::1"]


def test_hosts_are_names_and_addresses(tmp_path: Path) -> None:
    result = cert(tmp_path, "--host", "desk.example.org", "--host", "2001:db8::7")
    assert subject_names(tmp_path) == ["desk.example.org", "2001:db8::7"]
    serve, remote_viewer, spicy = result.stdout.splitlines()
    assert serve.startswith("redspice serve demo --tls-port 5901 --cert ")
    for line in (remote_viewer, spicy):
        assert f"--spice-ca-file={tmp_path / 'ca-cert.pem'}" in line
        assert "--spice-host-subject='O=Redspice trial,CN=desk.example.org'" in line
        assert "spice://desk.example.org?tls-port=5901" in line


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_replaced_without_force(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    result = cert(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {tmp_path / name} is there already; --force replaces it\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"
    assert cert(tmp_path, "--force").exit_code == 0
    assert tls_context(tmp_path / NAMES[1], tmp_path / NAMES[2])


@pytest.mark.parametrize("host", ["", "a b", "-", "x" * 65, "d\xe9sk"])
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    result = cert(tmp_path, "--host", host)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {host!r} is no name or address of a host\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = cert(tmp_path / "file" / "folder")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    assert len(result.stderr.splitlines()) == 1
