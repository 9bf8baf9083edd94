"""An ordinary Firefox, driven by WebDriver BiDi: https://www.w3.org/TR/webdriver-bidi/

Playwright 1.65 drives an ordinary Firefox, too, but not Firefox 153: it needs a command that this version lacks. The
protocol is JSON over a WebSocket, so this is its own client.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

from scripts.engines import Engine, Found
from tests.support.engine_browser import HEIGHT, WAIT_S, WIDTH, EngineBrowser, Tab, end
from tests.support.engine_keys import key_actions
from tests.support.servers import short_folder
from tests.support.waiting import until

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""A message can contain a screenshot."""
READY = "WebDriver BiDi listening on "
EVENTS = ("log.entryAdded",)
NETWORK_ERRORS = ("Firefox can’t establish a connection", "The connection to ", "CORS request did not succeed")
"""Parts of messages about a failing network."""
# Firefox itself turns off most of what tests don't need while it is driven.
PREFERENCES = {
    "browser.sessionhistory.max_total_viewers": 4,  # readers have a back/forward cache, also on a small machine
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Connection:
    """A connection with a Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self._errors: dict[str, list[str]] = {}
        created = self.send("session.new", capabilities={})
        self.version: str = created["capabilities"]["browserVersion"]
        self.send("session.subscribe", events=EVENTS)

    def send(self, method: str, **parameters: object) -> Any:
        """Send a command, and return its result."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=2 * WAIT_S))
            if message.get("id") == number:
                assert message["type"] == "success", f"{method}: {message['error']}: {message['message']}"
                return message["result"]
            self._handle(message)

    def errors(self, context: str) -> list[str]:
        """Return the errors that a tab has logged."""
        self.send("session.status")  # its response comes after all earlier events
        return self._errors.get(context, [])

    def _handle(self, event: dict[str, Any]) -> None:
        parameters = event["params"]
        if parameters["level"] == "error" and not any(each in parameters["text"] for each in NETWORK_ERRORS):
            self._errors.setdefault(parameters["source"].get("context", ""), []).append(parameters["text"])

    def close(self) -> None:
        self.send("browser.close")


class BidiTab(Tab):
    def __init__(self, connection: Connection, user: str) -> None:
        self._connection = connection
        created = connection.send("browsingContext.create", type="tab", userContext=user)
        self._context: str = created["context"]
        self.resize(WIDTH, HEIGHT)

    def _send(self, method: str, **parameters: object) -> Any:
        return self._connection.send(method, context=self._context, **parameters)

    def goto(self, address: str) -> None:
        self._send("browsingContext.navigate", url=address, wait="complete")

    def back(self) -> None:
        self._send("browsingContext.traverseHistory", delta=-1)

    def evaluate(self, function: str, *arguments: object, in_frame: bool = False) -> Any:
        context = self._context
        if in_frame:
            tree = self._connection.send("browsingContext.getTree", root=context)
            context = tree["contexts"][0]["children"][0]["context"]
        found = self._connection.send(
            "script.callFunction",
            # JSON in both directions is simpler than the protocol's own form of values.
            functionDeclaration=f"async text => JSON.stringify(await ({function})(...JSON.parse(text)) ?? null)",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=True,
            target={"context": context},
        )
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def press(self, key: str) -> None:
        self._send("input.performActions", actions=key_actions(key))

    def resize(self, width: int, height: int) -> None:
        self._send("browsingContext.setViewport", viewport={"width": width, "height": height})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._send("browsingContext.captureScreenshot")["data"])

    def close(self) -> None:
        self._send("browsingContext.close")

    @property
    def errors(self) -> list[str]:
        return self._connection.errors(self._context)


class BidiBrowser(EngineBrowser):
    def __init__(self, engine: Engine, connection: Connection) -> None:
        super().__init__(engine)
        self._connection = connection
        self._user = ""

    @property
    def version(self) -> str:
        return self._connection.version

    def new_tab(self) -> Tab:
        if not self._user:
            self._user = self._connection.send("browser.createUserContext")["userContext"]
        return BidiTab(self._connection, self._user)

    def forget(self) -> None:
        if self._user:
            self._connection.send("browser.removeUserContext", userContext=self._user)
            self._user = ""


@contextmanager
def start_bidi_browser(found: Found) -> Iterator[EngineBrowser]:
    with short_folder() as folder, ExitStack() as stack:
        profile = folder / "profile"
        profile.mkdir()
        preferences = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(preferences), encoding="utf-8")
        command = [str(found.path), "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
        log = folder / "firefox.log"
        environ = os.environ | {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        stack.callback(end, process)
        until(lambda: process.poll() is not None or READY in log.read_text(errors="replace"), "Firefox is ready")
        text = log.read_text(errors="replace")
        assert READY in text, f"Firefox ended at its start: {text}"
        address = f"{text.partition(READY)[2].split()[0]}/session"
        socket = connect(address, max_size=MESSAGE_BYTES_MAX, proxy=None, open_timeout=WAIT_S)
        connection = Connection(stack.enter_context(socket))
        stack.callback(connection.close)
        yield BidiBrowser(found.engine, connection)
