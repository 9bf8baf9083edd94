"""WebKitGTK's MiniBrowser, driven by WebDriver: https://www.w3.org/TR/webdriver2/

WebDriver is a few HTTP requests with JSON, so this is its own client. The package `selenium` would bring eight more
packages and a program that downloads drivers.
"""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from scripts.engines import Engine, Found
from tests.support.engine_browser import HEIGHT, WAIT_S, WIDTH, EngineBrowser, Tab, end
from tests.support.engine_keys import key_actions
from tests.support.servers import free_port, short_folder
from tests.support.waiting import until

SCREEN = "1600x4200x24"
"""The size of the virtual screen, which limits the size of a window, and its depth."""
RESIZE_S = 1.0
"""How long a window may take to get a size, before it is set again."""
SMALL_CONTROLS = "* { min-width: 0; min-height: 0; margin: 0; padding: 0; font-size: 1px; }"
"""A style for the browser's own controls: with their usual sizes, no window is as narrow as a phone."""
CAPABILITIES = {
    "browserName": "MiniBrowser",
    "timeouts": {"script": 1000 * WAIT_S, "pageLoad": 1000 * WAIT_S, "implicit": 0},
}


class Session:
    """A session of a WebDriver, with one browser."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=2 * WAIT_S, trust_env=False)
        self._path = "/session"
        self._tab = ""
        created = self.send("POST", "", capabilities={"alwaysMatch": CAPABILITIES})
        self._path = f"/session/{created['sessionId']}"
        self.version: str = created["capabilities"]["browserVersion"]
        self._unused = [self.send("GET", "/window")]

    def send(self, method: str, path: str, **parameters: object) -> Any:
        """Send a command, and return its result."""
        response = self._http.request(method, self._path + path, json=parameters if method == "POST" else None)
        value = response.json()["value"]
        assert response.is_success, f"{method} {path}: {value['error']}: {value['message']}"
        return value

    def focus(self, tab: str) -> None:
        """Direct the next commands to a tab. This also shows it."""
        if tab != self._tab:
            self.send("POST", "/window", handle=tab)
            self._tab = tab

    def new_tab(self) -> str:
        """Open a tab, and return its handle."""
        return self._unused.pop() if self._unused else self._open_window()

    def _open_window(self) -> str:
        # A window of its own: the browser doesn't show a new tab of a window, so its page would be hidden.
        handle: str = self.send("POST", "/window/new", type="window")["handle"]
        return handle

    def close_tab(self, tab: str) -> None:
        """Close a tab. The session keeps at least one, because the browser ends with the last."""
        self.focus(tab)
        if len(self.send("GET", "/window/handles")) == 1:
            self._unused.append(self._open_window())
        self.send("DELETE", "/window")
        self._tab = ""

    def close(self) -> None:
        self.send("DELETE", "")
        self._http.close()


class WebDriverTab(Tab):
    def __init__(self, session: Session) -> None:
        self._session = session
        self._handle = session.new_tab()
        self._is_open = True
        self.resize(WIDTH, HEIGHT)

    def _send(self, method: str, path: str, **parameters: object) -> Any:
        self._session.focus(self._handle)
        return self._session.send(method, path, **parameters)

    def goto(self, address: str) -> None:
        self._send("POST", "/url", url=address)

    def back(self) -> None:
        self._send("POST", "/back")

    def evaluate(self, function: str, *arguments: object, in_frame: bool = False) -> Any:
        if in_frame:
            element = self._send("POST", "/element", using="css selector", value="iframe")
            self._send("POST", "/frame", id=element)
        try:
            return self._send("POST", "/execute/sync", script=f"return ({function})(...arguments)", args=arguments)
        finally:
            if in_frame:
                self._send("POST", "/frame/parent")

    def press(self, key: str) -> None:
        self._send("POST", "/actions", actions=key_actions(key))

    def resize(self, width: int, height: int) -> None:
        """Resize the window until the viewport has this size.

        On a busy machine, a window changes some time after the command, and in several steps. A size that was computed
        between two of them is wrong. So this sets the size again if the viewport doesn't get it.
        """
        deadline = time.monotonic() + WAIT_S
        while (inner := self._inner()) != [width, height]:
            assert time.monotonic() < deadline, f"the viewport has {inner} px, not {width}×{height}"
            rect = self._send("GET", "/window/rect")
            rect |= {"width": rect["width"] + width - inner[0], "height": rect["height"] + height - inner[1]}
            self._send("POST", "/window/rect", **rect)
            set_at = time.monotonic()
            while self._inner() != [width, height] and time.monotonic() < set_at + RESIZE_S:
                self.wait()

    def _inner(self) -> list[int]:
        """Return the size of the viewport."""
        size: list[int] = self.evaluate("() => [innerWidth, innerHeight]")
        return size

    def screenshot(self) -> bytes:
        return base64.b64decode(self._send("GET", "/screenshot"))

    def close(self) -> None:
        if self._is_open:
            self._session.close_tab(self._handle)
            self._is_open = False

    @property
    def errors(self) -> list[str]:
        return []  # WebDriver lacks a command for them


class WebDriverBrowser(EngineBrowser):
    def __init__(self, engine: Engine, session: Session) -> None:
        super().__init__(engine)
        self._session = session
        self._tabs: list[Tab] = []

    @property
    def version(self) -> str:
        return self._session.version

    def new_tab(self) -> Tab:
        self._tabs.append(WebDriverTab(self._session))
        return self._tabs[-1]

    def forget(self) -> None:
        while self._tabs:
            self._tabs.pop().close()


@contextmanager
def start_webdriver_browser(found: Found) -> Iterator[EngineBrowser]:
    with short_folder() as folder, ExitStack() as stack:
        style = folder / "gtk-3.0" / "gtk.css"
        style.parent.mkdir()
        style.write_text(SMALL_CONTROLS, encoding="utf-8")
        environ = {
            **os.environ, "DISPLAY": stack.enter_context(_display()), "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1",
        }  # fmt: skip
        port = free_port()
        driver = subprocess.Popen(
            [found.path, f"--port={port}"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        stack.callback(end, driver)
        until(lambda: _answers(port), "the WebDriver answers")
        session = Session(f"http://127.0.0.1:{port}")
        stack.callback(session.close)
        yield WebDriverBrowser(found.engine, session)


@contextmanager
def _display() -> Iterator[str]:
    """Run a virtual display, and yield its name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    assert number, "Xvfb ended at its start"
    try:
        yield f":{number}"
    finally:
        end(server)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/status", trust_env=False).is_success
    except httpx.TransportError:
        return False
