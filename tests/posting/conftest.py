"""The posting part with a real Redis whose users have only their rights, and a real desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.support.guarded_server import GuardedServer, GuardedSystem
from tests.support.servers import short_folder
from tests.support.waiting import WAIT_S

EDITORS: Final = {"maha": "editor", "omar": "editor", "rana": "reporter", "lena": "chief"}


class Client:
    """An HTTP client with a token."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def post(self, key: str, body: Any, path: str = "/v1/en/submissions") -> httpx.Response:
        return self.raw("POST", path, json=body, headers={"Idempotency-Key": f'"{key}"'})

    def new(self, key: str, text: str, **fields: Any) -> httpx.Response:
        """Post a new line of English."""
        return self.post(key, {"change": "new", "text": text, "confirmed": True, **fields})

    def change(self, key: str, change: str, line: str, **fields: Any) -> httpx.Response:
        return self.post(key, {"change": change, "id": line, "confirmed": True, **fields})

    def decide(self, key: str, **fields: Any) -> httpx.Response:
        return self.post(key, fields, "/v1/en/decisions")

    def get(self, path: str) -> httpx.Response:
        return self.raw("GET", path)

    def raw(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        all_headers = {**self._headers, **(headers or {})}
        return httpx.request(method, self._url + path, headers=all_headers, timeout=2 * WAIT_S, **options)


class Parts(GuardedSystem):
    """The parts, and clients of the posting part."""

    def token(self, editor: str, *words: str) -> dict[str, Any]:
        """Create a token. By default it is for the edition en, and may do everything but break glass."""
        words = words or ("-e", "en", "--scope", "post", "--scope", "change", "--scope", "decide")
        ran = self.server.ticker("token", "create", editor, *words, "--json", user="ticker-admin")
        assert ran.code == 0, ran
        made: dict[str, Any] = ran.json
        return made

    def client(self, editor: str, *words: str) -> Client:
        return Client(self.api.url, self.token(editor, *words)["token"])

    def client_with(self, token: str | None) -> Client:
        return Client(self.api.url, token)

    def entries(self) -> int:
        """Return the number of entries of the English log."""
        return int(self.server.command("XLEN", "ticker:{en}:log"))


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    with short_folder() as folder, GuardedServer(folder / "r") as server:
        parts = Parts(server, folder)
        with parts.desk:
            for editor, role in EDITORS.items():
                server.add_editor(editor, "-e", "en", "--role", role)
            with parts.api:
                yield parts


@pytest.fixture(scope="module")
def maha(parts: Parts) -> Client:
    return parts.client("maha")
