"""Chromium without a window, told what to do through its DevTools; spice-html5 as its page.

What the canvas of spice-html5 shows is taken as PNG, so no pixel changes on the way.
"""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from websockets.sync.client import ClientConnection, connect

from interop.peers import PATIENCE

HTML5 = Path("/usr/share/spice-html5")

LOOK_AGAIN = 0.05
"""Seconds between two looks at a browser, which does not tell us that something changed."""

OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
)

CANVAS = "document.querySelector('#spice-screen canvas')"


class Browser:
    """One page."""

    def __init__(self, devtools: ClientConnection) -> None:
        self.console: list[str] = []
        """What the page has logged so far, warnings and errors of scripts among it."""
        self._devtools = devtools
        self._calls = 0
        for domain in ("Runtime", "Page", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, dict[str, object]]:
        """Call a method of the DevTools protocol."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        self._devtools.send(json.dumps(message))
        while True:
            answer = json.loads(self._devtools.recv(PATIENCE))
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer["error"]
                result: dict[str, dict[str, object]] = answer["result"]
                return result
            self._note(answer)

    def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self) -> Image.Image | None:
        """What the canvas of the first screen shows; None before there is one."""
        url = self.evaluate(f"{CANVAS} && {CANVAS}.toDataURL('image/png')")
        if not isinstance(url, str):
            return None
        return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")

    def wait_for_picture(self, expected: Image.Image, artefact: Path) -> None:
        """Wait until the canvas shows just this; the last picture is kept in a file."""
        deadline, pause = time.monotonic() + PATIENCE, threading.Event()
        while (shown := self.picture()) != expected and time.monotonic() < deadline:
            pause.wait(LOOK_AGAIN)
        assert shown is not None, f"no canvas: {self.console}"
        artefact.parent.mkdir(parents=True, exist_ok=True)
        shown.save(artefact)
        assert shown == expected, f"not as expected: {artefact}; {self.console}"

    def press(self, key: str, code: str) -> None:
        """Press and release a key of the page, like `press("a", "KeyA")`."""
        number = ord(key.upper())
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                nativeVirtualKeyCode=number,
            )

    def _note(self, event: dict[str, dict[str, object]]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.consoleAPICalled":
            arguments = parameters["args"]
            assert isinstance(arguments, list)
            self.console.append(" ".join(str(each.get("value", "")) for each in arguments))
        elif event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.console.append(json.dumps(parameters))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run Chromium with a profile of its own in `folder`."""
    port_file = folder / "DevToolsActivePort"
    with subprocess.Popen(
        ["chromium", *OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    ) as process:
        try:
            deadline, pause = time.monotonic() + PATIENCE, threading.Event()
            while not (port_file.exists() and port_file.read_text().count("\n")):
                assert process.poll() is None, "chromium ended"
                assert time.monotonic() < deadline, "chromium does not start"
                pause.wait(LOOK_AGAIN)
            port = port_file.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                pages = [each for each in json.load(answer) if each["type"] == "page"]
            url = pages[0]["webSocketDebuggerUrl"]
            with connect(url, max_size=None, proxy=None) as devtools:
                yield Browser(devtools)
        finally:
            process.terminate()
            process.wait(PATIENCE)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Files, without a line on stderr for each."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def html5_pages(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve the files of spice-html5, over TLS with a context; yields their address."""
    handler = functools.partial(QuietHandler, directory=str(HTML5))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scheme = "http" if context is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def viewer_page(pages: str, port: int | str, password: str = "") -> str:
    """The page that connects to a server on this machine by itself."""
    query = {"host": "127.0.0.1", "port": port, "password": password, "path": ""}
    return f"{pages}/spice_auto.html?{urllib.parse.urlencode(query)}"
