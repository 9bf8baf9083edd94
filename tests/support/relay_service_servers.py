"""Telegram's, Slack's and Mastodon's HTTP interfaces on top of `relay_services`, with faults on request."""

from __future__ import annotations

import html
import json
import re
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.late_replies import delay_reply
from tests.support.relay_services import FakeMastodon, FakePost, FakeService, FakeSlack, FakeTelegram
from ticker.relay.posts import NotAllowedError, NotThereError

TOKENS: Final = {
    "mastodon": "mastodon-token-of-the-tests",
    "slack": "xoxb-1234-slack-token-of-the-tests",
    "telegram": "123456789:AAE-telegram-token-of-the-tests",
}


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any]


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012 -- it is never changed


class ServiceServer:
    """Listens on a free port of 127.0.0.1 until the end of the `with` block.

    Attributes:
        fake: What the service has.
        faults: What happens to the next requests, in this order: "lost" (done, but not answered), "dropped" (not done),
            "done" (done and answered), or the status of an error. After them, every request is answered.
        requests: What has arrived.
        active: Parts of texts that the service has made a link, a mention, a tag or a command of.
        later_s: How far its clock is ahead of ours. Tests set it to make posts old.

    """

    kind = ""

    def __init__(self) -> None:
        self.later_s = 0.0
        self.fake = self.fake_type(self.now)
        self.faults: list[str | int] = []
        self.requests: list[Request] = []
        self.active: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    fake_type: type[FakeService]

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def error(self, status: int) -> Answer:
        raise NotImplementedError

    def now(self) -> float:
        return time.time() + self.later_s

    @property
    def token(self) -> str:
        return TOKENS[self.kind]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def address(self) -> str:
        """What stands behind --to NAME=."""
        raise NotImplementedError

    @property
    def texts(self) -> list[str]:
        """What shows, the oldest first."""
        return [post.text for post in list(self.fake.posts.values())]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find_active(self, pattern: str, text: str) -> None:
        self.active += re.findall(pattern, text)

    def _answer(self, request: Request) -> Answer | None:
        """Return the answer, or None if there is none."""
        with self._lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else None
            if fault == "dropped":
                return None
            if isinstance(fault, int):
                return self.error(fault)
            answer = self.answer(request)
            return None if fault == "lost" else answer

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                parts = urlsplit(self.path)
                if headers.get("content-type", "").startswith("application/json"):
                    fields = json.loads(data)
                else:
                    fields = {name: each[-1] for name, each in parse_qs(data or parts.query).items()}
                answer = server._answer(Request(self.command, parts.path, headers, fields))
                delay_reply()
                if answer is None:
                    self.close_connection = True
                    return
                body = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {**answer.headers, "content-type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 -- the names of the base class

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the base class
                pass

        return Handler


class MastodonServer(ServiceServer):
    """docs.joinmastodon.org/methods/statuses/, for one account."""

    kind = "mastodon"
    fake_type = FakeMastodon
    max_characters = 500
    location = ""

    @property
    def address(self) -> str:
        return f"mastodon:{self.base}"

    def error(self, status: int) -> Answer:
        headers = {}
        if status == 429:
            reset = datetime.fromtimestamp(self.now() + 30, UTC).isoformat()
            headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "300", "X-RateLimit-Reset": reset}
        if self.location:
            headers["location"] = self.location
        return Answer(status, {"error": f"error {status}"}, headers)

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.error(401)
        text, ref = request.fields.get("status", ""), request.path.rpartition("/")[2]
        if len(text) > self.max_characters:
            return self.error(422)
        self.find_active(r"(?<![=/\w])@\w+|(?<![\w/])#\w+|https?://\w+", text)
        if request.method == "GET":
            return Answer(200, self._read(request))
        try:
            if request.method == "POST":
                key = request.headers.get("idempotency-key", "")
                ref = self.fake.create(text, "", key, request.fields.get("language", ""))
            elif request.method == "PUT":
                self.fake.edit(ref, text)
            status = self._status(self.fake.post(ref))
            if request.method == "DELETE":
                self.fake.delete(ref)
        except NotThereError:
            return self.error(404)
        return Answer(200, status)

    def _read(self, request: Request) -> Any:
        match request.path:
            case "/api/v1/accounts/verify_credentials":
                return {"id": "7", "username": "ticker"}
            case "/api/v1/accounts/7/statuses":
                before = int(request.fields.get("max_id", "999999999"))
                found = [self._status(each) for each in self.fake.posts.values() if int(each.ref) < before]
                return found[::-1][:40]
            case "/api/v2/instance/":
                limits = {"statuses": {"max_characters": self.max_characters}}
                return {"domain": "mastodon.example", "configuration": limits}
            case _:
                raise AssertionError(request.path)

    def _status(self, post: FakePost) -> dict[str, Any]:
        content = html.escape(post.text).replace("\n\n", "</p><p>")
        at = datetime.fromtimestamp(post.at, UTC).isoformat()
        return {"id": post.ref, "created_at": at, "content": f"<p>{content}</p>"}


class SlackServer(ServiceServer):
    """docs.slack.dev/reference/methods/, for one channel."""

    kind = "slack"
    fake_type = FakeSlack
    channel = "C0123456789"

    @property
    def address(self) -> str:
        return f"slack:{self.channel}?server={self.base}/api/"

    def error(self, status: int) -> Answer:
        codes = {429: "ratelimited", 401: "invalid_auth", 500: "internal_error"}
        headers = {"Retry-After": "30"} if status == 429 else {}
        body = {"ok": False, "error": codes.get(status, "fatal_error")}
        return Answer(200 if status == 401 else status, body, headers)

    def answer(self, request: Request) -> Answer:
        fields = request.fields
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.error(401)
        if fields.get("channel") != self.channel:
            return Answer(200, {"ok": False, "error": "channel_not_found"})
        shown = ""
        for block in fields.get("blocks", []):
            assert block["text"]["type"] == "plain_text"
            shown = block["text"]["text"]
        self.find_active("<[^ ]*", fields.get("text", ""))
        body: dict[str, Any] = {}
        try:
            match request.path.rpartition("/")[2]:
                case "chat.postMessage":
                    body = {"ts": self.fake.create(shown, fields["metadata"]["event_payload"]["line"], "", "")}
                case "chat.update":
                    self.fake.edit(fields["ts"], shown)
                case "chat.delete":
                    self.fake.delete(fields["ts"])
                case "conversations.history":
                    body = {"messages": self._history(float(fields["oldest"]))}
                case _:
                    raise AssertionError(request.path)
        except NotThereError:
            return Answer(200, {"ok": False, "error": "message_not_found"})
        return Answer(200, {"ok": True, **body})

    def _history(self, oldest: float) -> list[dict[str, Any]]:
        return [
            {
                "ts": post.ref,
                "text": post.text,
                "metadata": {"event_type": "ticker_line", "event_payload": {"line": post.name}},
            }
            for post in reversed(self.fake.posts.values())
            if post.at >= oldest
        ]


class TelegramServer(ServiceServer):
    """core.telegram.org/bots/api, for one channel."""

    kind = "telegram"
    fake_type = FakeTelegram
    chat = "@breaking_news"

    @property
    def address(self) -> str:
        return f"telegram:{self.chat}?server={self.base}"

    def error(self, status: int, text: str = "") -> Answer:
        words = {429: "Too Many Requests: retry after 30", 401: "Unauthorized", 403: "Forbidden: bot was kicked"}
        body = {"ok": False, "error_code": status, "description": text or words.get(status, "Internal Server Error")}
        return Answer(status, {**body, "parameters": {"retry_after": 30}} if status == 429 else body)

    def answer(self, request: Request) -> Answer:
        _, bot, method = request.path.split("/")
        fields = request.fields
        if bot != f"bot{self.token}":
            return self.error(401)
        if fields.get("chat_id") != self.chat:
            return self.error(400, "Bad Request: chat not found")
        text, ref = fields.get("text", ""), fields.get("message_id", "")
        if len(text.encode("utf-16-le")) > 2 * 4096:
            return self.error(400, "Bad Request: message is too long")
        assert "parse_mode" not in fields
        self.find_active(r"(?<!\w)[@#$/]\w+|\w+://\S+|\w+\.(?:com|org|example)", text)
        try:
            if method == "sendMessage":
                ref = self.fake.create(text, "", "", "")
            elif method == "deleteMessage":
                self.fake.delete(ref)
                return Answer(200, {"ok": True, "result": True})
            elif self.fake.post(ref).text == text:
                return self.error(400, "Bad Request: message is not modified: the content is the same")
            else:
                self.fake.edit(ref, text)
        except (NotThereError, NotAllowedError) as error:
            verb = method.removesuffix("MessageText").removesuffix("Message")
            if isinstance(error, NotThereError):
                return self.error(400, f"Bad Request: message to {verb} not found")
            return self.error(400, f"Bad Request: message can't be {verb.removesuffix('e')}ed")
        chat = {"id": -1001, "type": "channel", "title": "Breaking news"}
        message = {"message_id": int(ref), "date": int(self.now()), "chat": chat, "text": text}
        return Answer(200, {"ok": True, "result": message})


SERVERS: Final[dict[str, type[ServiceServer]]] = {
    server.kind: server for server in (MastodonServer, SlackServer, TelegramServer)
}
