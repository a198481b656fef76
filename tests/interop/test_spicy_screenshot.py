"""spicy-screenshot gets every pixel as it is, over every way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.command import serve_command
from interop.pictures import assert_same_picture, demo_picture, noise
from interop.screenshot import Screenshot

PASSWORD = "correct horse"
WRONG_PASSWORD = "battery staple"


def save(folder: Path, width: int, height: int) -> str:
    """The source that shows a picture of noise."""
    path = folder / "picture.png"
    noise(width, height).save(path, compress_level=0)
    return f"image:{path}"


def denials(log: list[str]) -> list[str]:
    """The lines about refused viewers; spicy-screenshot also leaves some by hanging up rudely."""
    return [line for line in log if "PERMISSION_DENIED" in line]


@pytest.mark.parametrize(
    ("width", "height"), [(641, 479), (1, 1), (3840, 2160), (320, 200)], ids=str
)
def test_a_picture_arrives_pixel_for_pixel(
    tmp_path: Path, screenshot: Screenshot, width: int, height: int
) -> None:
    with serve_command(save(tmp_path, width, height)) as server:
        assert_same_picture(screenshot.take_from(server.port), noise(width, height))


def test_the_demo_arrives_pixel_for_pixel_each_time(screenshot: Screenshot) -> None:
    with serve_command("demo", "--frozen") as server:
        for _ in range(3):
            assert_same_picture(screenshot.take_from(server.port), demo_picture(1024, 768))


def test_the_right_password_lets_in(tmp_path: Path, screenshot: Screenshot) -> None:
    with serve_command(save(tmp_path, 320, 200), "--password", PASSWORD) as server:
        assert_same_picture(screenshot.take_from(server.port, PASSWORD), noise(320, 200))
        log = server.stop()
    assert denials(log) == []
    assert not [line for line in log if PASSWORD in line]


@pytest.mark.parametrize("given", [("-w", WRONG_PASSWORD), ()], ids=["wrong", "none"])
def test_a_wrong_password_is_denied_and_the_next_viewer_served(
    tmp_path: Path, screenshot: Screenshot, given: tuple[str, ...]
) -> None:
    with serve_command(save(tmp_path, 320, 200), "--password", PASSWORD) as server:
        denied = screenshot.run("-h", "127.0.0.1", "-p", server.port, *given)
        assert denied.returncode == 1
        assert "main channel event: 23" in denied.stderr  # SPICE_CHANNEL_ERROR_AUTH
        assert not screenshot.path.exists()
        assert_same_picture(screenshot.take_from(server.port, PASSWORD), noise(320, 200))
        log = server.stop()
    assert len(denials(log)) == 1
    assert not [line for line in log if PASSWORD in line or WRONG_PASSWORD in line]


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["open", "password"])
def test_a_unix_socket_serves_too(
    tmp_path: Path, screenshot: Screenshot, socket_path: Path, password: str | None
) -> None:
    secret = () if password is None else ("--password", password)
    given = () if password is None else ("-w", password)
    with serve_command(save(tmp_path, 320, 200), "--unix", str(socket_path), *secret) as server:
        assert server.address == str(socket_path)
        picture = screenshot.take(f"--uri=spice+unix://{socket_path}", *given)
    assert_same_picture(picture, noise(320, 200))
    assert not socket_path.exists()
