"""Servers of other projects, measured with PEERS=1. They are downloaded into the build folder; nothing is installed."""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

from benchmarks.log_writer import Posted
from benchmarks.machine import Cores, raise_file_limit
from benchmarks.plan import Maker
from benchmarks.process import Process
from benchmarks.programs import BUILD, BenchError
from benchmarks.subject import await_http, free_port
from benchmarks.yardsticks import Fed
from ticker.store.server_binary import find_binary

RIVALS: Final = Path(__file__).parent / "rivals"
FETCH_S: Final = 120.0
START_S: Final = 20.0
CHANNEL: Final = "ticker"
ISSUER: Final = "https://bench.example"
"""The issuer in the token for posting to Mercure."""


class Peers:
    """The servers that are available here: `makers` by name, their `settings`, and `notes` on those that aren't."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self.makers: dict[str, Maker] = {}
        self.settings: dict[str, str] = {}
        self.notes: list[str] = []
        self._log = log
        self._folder = BUILD / "peers"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._try("nchan", self._nchan)
        self._try("ws", partial(self._node, "ws", "ws"))
        self._try("socketio", partial(self._node, "socketio", "socket.io"))
        self._try("centrifugo", self._centrifugo)
        self._try("mercure", self._mercure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the downloads for the next run."""

    def _try(self, name: str, find: Callable[[], tuple[Maker, str]]) -> None:
        try:
            self.makers[name], self.settings[name] = find()
        except (BenchError, OSError, subprocess.SubprocessError) as error:
            self.notes.append(f"{name}: {error}")

    def _nchan(self) -> tuple[Maker, str]:
        nginx, module = self._folder / "debian/usr/sbin/nginx", "usr/lib/nginx/modules/ngx_nchan_module.so"
        if not nginx.exists():
            self._log("downloading nginx and Nchan")
            run = partial(_run, folder=self._folder)
            run("apt-get", "download", "nginx", "libnginx-mod-nchan")
            for package in sorted(self._folder.glob("*nginx*.deb")):
                run("dpkg-deb", "--extract", str(package), "debian")
        version = _version("libnginx-mod-nchan", self._folder)
        make = partial(nchan, nginx=nginx, module=self._folder / "debian" / module)
        return make, f"{version}, one worker, Redis without persistence; see rivals/nginx.conf"

    def _node(self, name: str, package: str) -> tuple[Maker, str]:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise BenchError("Node with npm is not on PATH")
        installed = self._folder / "node_modules" / package / "package.json"
        if not installed.exists():
            self._log(f"downloading {package}")
            _run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", package, folder=self._folder)
        script = self._folder / f"{name}.mjs"  # Node resolves imports beside the script
        shutil.copy(RIVALS / f"{name}.mjs", script)
        version = json.loads(installed.read_text(encoding="utf-8"))["version"]
        return partial(node, name, script), f"{version}, without compression; see rivals/{name}.mjs"

    def _centrifugo(self) -> tuple[Maker, str]:
        return partial(centrifugo, _on_path("centrifugo")), "memory engine, JSON, otherwise its defaults"

    def _mercure(self) -> tuple[Maker, str]:
        return partial(mercure, _on_path("mercure")), "1.0, see rivals/mercure.Caddyfile; Server-Sent Events"


class Posting:
    """A server that gets entries by HTTP, over one connection. Its responses aren't waited for."""

    def __init__(self, name: str, process: Process, port: int, path: str, dialect: str) -> None:
        self.name = name
        self.process = process
        self.port = port
        self.path = path
        self.dialect = dialect
        self.make_request: Callable[[bytes], tuple[str, bytes, str]] = lambda message: ("/", message, "")
        self._socket: socket.socket | None = None

    def post(self, posted: Posted) -> None:
        path, body, headers = self.make_request(posted.message)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=START_S)
        self._socket.sendall(head.encode() + body)
        self._discard_answers(self._socket)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    @staticmethod
    def _discard_answers(connection: socket.socket) -> None:
        while select.select([connection], [], [], 0)[0]:
            if not connection.recv(65536):
                raise BenchError("the server has closed the connection for posting")


@contextmanager
def nchan(cores: Cores, *, nginx: Path, module: Path) -> Iterator[Posting]:
    """Run nginx with one worker, and its Redis."""
    port, redis_port = free_port(), _other_port()
    files = raise_file_limit()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ticker-bench-")))
        words = {
            "FILES": str(files),
            "CONNECTIONS": str(files - 200),
            "USER": "user root;" if os.geteuid() == 0 else "",
            "FOLDER": str(folder),
            "MODULE": str(module.absolute()),
            "PORT": str(port),
            "REDIS_PORT": str(redis_port),
        }
        config = _fill_in(RIVALS / "nginx.conf", words, folder / "nginx.conf")
        store: list[str | Path] = [
            find_binary({}),
            "--port",
            str(redis_port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            folder,
        ]
        stack.enter_context(Process("redis for nchan", store, {cores.load}))
        _await_port(redis_port)
        command: list[str | Path] = [
            nginx.absolute(),
            "-p",
            folder,
            "-e",
            folder / "error.log",
            "-c",
            config,
        ]
        process = stack.enter_context(Process("nchan", command, {cores.server}))
        _await_port(port)
        # It answers 503 until Redis is connected, and then 404, because this channel is empty.
        await_http(process, f"http://127.0.0.1:{port}/ready", START_S, status=404)
        subject = Posting("nchan", process, port, "/live", "plain")
        stack.callback(subject.close)
        subject.make_request = lambda message: ("/post", message, "Content-Type: application/json\r\n")
        yield subject


def node(name: str, script: Path, cores: Cores) -> Fed:
    """Return a Node server that reads messages from its standard input."""
    subject = Fed(name, lambda port: ["node", str(script), str(port)], cores)
    if name == "socketio":
        subject.path, subject.dialect = "/socket.io/?EIO=4&transport=websocket", "socketio"
    return subject


@contextmanager
def centrifugo(program: str, cores: Cores) -> Iterator[Posting]:
    """Run Centrifugo 6. Anonymous clients may subscribe to every channel."""
    port = free_port()
    environ = {
        "CENTRIFUGO_HTTP_SERVER_ADDRESS": "127.0.0.1",
        "CENTRIFUGO_HTTP_SERVER_PORT": str(port),
        "CENTRIFUGO_CLIENT_INSECURE": "true",
        "CENTRIFUGO_HTTP_API_INSECURE": "true",
        "CENTRIFUGO_HEALTH_ENABLED": "true",
        "CENTRIFUGO_LOG_LEVEL": "error",
        "GOMAXPROCS": "1",
    }
    with Process("centrifugo", [program], {cores.server}, environ=environ) as process:
        await_http(process, f"http://127.0.0.1:{port}/health", START_S)
        subject = Posting("centrifugo", process, port, "/connection/websocket", "centrifugo")
        subject.make_request = lambda message: (
            "/api/publish",
            b'{"channel":"%b","data":%b}' % (CHANNEL.encode(), message),
            "Content-Type: application/json\r\n",
        )
        try:
            yield subject
        finally:
            subject.close()


@contextmanager
def mercure(program: str, cores: Cores) -> Iterator[Posting]:
    """Run Mercure's hub 1.0, with anonymous subscribers and Server-Sent Events.

    Its readiness is served by the administration API, on a port of its own.
    """
    port, admin_port, key = free_port(), _other_port(), secrets.token_urlsafe(32)
    hub = f"http://127.0.0.1:{port}/.well-known/mercure"
    words = {"PORT": str(port), "ADMIN_PORT": str(admin_port), "ISSUER": ISSUER, "HUB": hub}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ticker-bench-")))
        config = _fill_in(RIVALS / "mercure.Caddyfile", words, folder / "Caddyfile")
        environ = {"MERCURE_KEY": key, "GOMAXPROCS": "1", "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        command: list[str | Path] = [program, "run", "--config", config, "--adapter", "caddyfile"]
        process = stack.enter_context(Process("mercure", command, {cores.server}, environ=environ))
        await_http(process, f"http://127.0.0.1:{admin_port}/mercure/health/ready", START_S)
        subject = Posting("mercure", process, port, f"/.well-known/mercure?match={CHANNEL}", "events")
        stack.callback(subject.close)
        headers = f"Authorization: Bearer {_token(key, hub)}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        subject.make_request = lambda message: (
            "/.well-known/mercure",
            urlencode({"topic": CHANNEL, "data": message.decode()}).encode(),
            headers,
        )
        yield subject


def _fill_in(template: Path, words: dict[str, str], target: Path) -> Path:
    """Write a template to `target`, with each `@NAME@` replaced. Return `target`."""
    text = template.read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    target.write_text(text, encoding="utf-8")
    return target


def _token(key: str, audience: str) -> str:
    """Return an access token (RFC 9068, HS256) that may publish to every topic for an hour, as Mercure 1.0 needs it."""
    now = int(time.time())
    grant = {"type": "https://mercure.rocks/authorization-detail", "actions": ["publish"], "topics": [{"match": "*"}]}
    claims = {
        "iss": ISSUER,
        "sub": ISSUER,
        "client_id": ISSUER,
        "aud": audience,
        "iat": now,
        "exp": now + 3600,
        "jti": secrets.token_hex(8),
        "authorization_details": [grant],
    }
    text = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "at+jwt"}, claims))
    return f"{text}.{_base64(hmac.digest(key.encode(), text.encode(), 'sha256'))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _on_path(program: str) -> str:
    if (found := shutil.which(program)) is None:
        raise BenchError("not on PATH")
    return found


def _other_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await_port(port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise BenchError(f"no server listens on port {port} after {START_S:g} s") from None
            time.sleep(0.02)


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr[-300:].strip()}")


def _version(package: str, folder: Path) -> str:
    """Read the version from the name of a downloaded package, e.g. `libnginx-mod-nchan_1%3a1.3.6+dfsg-2_amd64.deb`."""
    names = sorted(path.name for path in folder.glob(f"{package}_*.deb"))
    return names[0].split("_")[1].replace("%3a", ":") if names else "unknown version"
