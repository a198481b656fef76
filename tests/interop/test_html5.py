"""spice-html5 in Chromium connects by the server's own WebSocket and shows every pixel right.

It understands plain pictures, LZ and QUIC of 32-bit content, but no GLZ dictionary. The pictures of
its canvas are kept in `build/artefacts`.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop.browser import HTML5, LOOK_AGAIN, Browser, browser, html5_pages, viewer_page
from interop.command import serve_command
from interop.embedded import Input, embedded_server
from interop.peers import PATIENCE, missing, require_peer
from interop.pictures import demo_picture, noise
from interop.record import Record
from interop.test_readme import free_port
from runtime.certificates import server_files

PROXY_STARTS = 0.05  # seconds between two looks at a port that nobody listens on yet

ARTEFACTS = Path(__file__).parent.parent.parent / "build" / "artefacts"
PASSWORD = "correct horse"


@contextmanager
def listening(command: list[str], port: int) -> Iterator[None]:
    """Run a program that listens on a port, once it does."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline, pause = time.monotonic() + PATIENCE, threading.Event()
            with socket.socket() as probe:
                while probe.connect_ex(("127.0.0.1", port)) != 0:
                    assert time.monotonic() < deadline, f"{command[0]} does not listen"
                    pause.wait(PROXY_STARTS)
            yield
        finally:
            process.terminate()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    """A browser with an empty page."""
    require_peer("chromium")
    if not HTML5.is_dir():
        missing("not installed: spice-html5 (make peers)")
    with browser(tmp_path / "profile") as running:
        yield running


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_the_demo_is_shown_pixel_for_pixel(tmp_path: Path, page: Browser, secured: bool) -> None:
    files = server_files(tmp_path)
    tls = ("--tls-port", "0", "--cert", str(files.certificate), "--key", str(files.key))
    context = files.context() if secured else None
    with (
        serve_command("demo", "--frozen", *(tls if secured else ())) as server,
        html5_pages(context) as pages,
    ):
        page.call("Page.navigate", url=viewer_page(pages, server.port))
        artefact = ARTEFACTS / f"html5-{'tls' if secured else 'plain'}.png"
        page.wait_for_picture(demo_picture(1024, 768), artefact)
        assert server.log.items() == []


def test_the_right_password_lets_in(page: Browser) -> None:
    with (
        serve_command("demo", "--frozen", "--password", PASSWORD) as server,
        html5_pages() as pages,
    ):
        page.call("Page.navigate", url=viewer_page(pages, server.port, PASSWORD))
        page.wait_for_picture(demo_picture(1024, 768), ARTEFACTS / "html5-password.png")
        assert server.log.items() == []


def test_a_wrong_password_is_denied(page: Browser) -> None:
    with (
        serve_command("demo", "--frozen", "--password", PASSWORD) as server,
        html5_pages() as pages,
    ):
        page.call("Page.navigate", url=viewer_page(pages, server.port, "battery staple"))
        log = server.log.wait(lambda log: any("PERMISSION_DENIED" in each for each in log), "line")
        assert not [line for line in log if "battery" in line or PASSWORD in line]


@pytest.mark.parametrize("compression", ["off", "lz", "quic", "auto_lz"])
def test_compressed_pictures_are_shown_pixel_for_pixel(
    tmp_path: Path, page: Browser, compression: str
) -> None:
    path = tmp_path / "picture.png"
    noise(640, 480).save(path)
    demo = demo_picture(640, 480)
    demo.paste(noise(200, 100), (40, 60))  # something for each encoding
    demo.save(path)
    with (
        serve_command(f"image:{path}", "--compression", compression) as server,
        html5_pages() as pages,
    ):
        page.call("Page.navigate", url=viewer_page(pages, server.port))
        page.wait_for_picture(demo, ARTEFACTS / f"html5-{compression}.png")


def test_a_proxy_for_websockets_is_not_needed_but_works(page: Browser) -> None:
    require_peer("websockify")
    with serve_command("demo", "--frozen") as server, html5_pages() as pages:
        port = free_port()
        with listening(["websockify", f"127.0.0.1:{port}", server.address], port):
            page.call("Page.navigate", url=viewer_page(pages, port))
            page.wait_for_picture(demo_picture(1024, 768), ARTEFACTS / "html5-websockify.png")


def press_until_one_arrives(page: Browser, inputs: Record[Input]) -> None:
    """Wait for the page's inputs channel: the page drops what is pressed before, and tells no one.

    Its picture is no sign, as the display channel links by itself.
    """
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    pressed = ("scan", 0x30)  # B
    while pressed not in inputs.items():
        assert time.monotonic() < deadline, f"no key: {page.console}"
        page.press("b", "KeyB")
        pause.wait(LOOK_AGAIN)


def test_keys_arrive(page: Browser) -> None:
    with embedded_server(320, 200) as server, html5_pages() as pages:
        page.call("Page.navigate", url=viewer_page(pages, server.port))
        page.wait_for_picture(
            demo_picture(320, 200).point(lambda _: 0), ARTEFACTS / "html5-black.png"
        )
        press_until_one_arrives(page, server.inputs)
        page.press("a", "KeyA")
        inputs = server.inputs.wait(lambda inputs: ("scan", 0x9E) in inputs, "key")
        keys = [each for each in inputs if each[0] == "scan"]
        assert keys[-2:] == [("scan", 0x1E), ("scan", 0x9E)]
        assert keys.count(("scan", 0x1E)) == keys.count(("scan", 0x9E)) == 1


def test_a_page_of_another_host_is_refused(page: Browser) -> None:
    with embedded_server(320, 200) as server, html5_pages() as pages:
        foreign = pages.replace("127.0.0.1", "localhost")
        page.call("Page.navigate", url=viewer_page(foreign, server.port))
        server.log.wait(lambda log: any("upgrade refused" in line for line in log), "refusal")
        assert page.picture() is None
