"""nginx, Caddy and HAProxy with the files of `deploy/proxy/`, in front of gateways on this machine.

Only addresses, ports, paths and users differ from the files: each difference is a replacement of words that must be in
the file. IPv6 is left out, because a machine for tests may have none.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.support.programs import program
from tests.support.servers import HOST, ServerProcess, free_port
from tests.support.tls import tls_certificate, tls_key

FILES: Final = Path(__file__).parents[2] / "deploy" / "proxy"
PROXIES: Final = {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}
"""The file of each proxy in `deploy/proxy/`."""


class Proxy(ServerProcess):
    """A running proxy with TLS in front of two gateways.

    Args:
        dir: The folder for its files.
        name: `nginx`, `caddy` or `haproxy`.
        gateways: The ports of two gateways on this machine.

    """

    def __init__(self, dir: Path, name: str, gateways: Sequence[int]) -> None:  # noqa: A002 -- as ServerProcess
        super().__init__(dir)
        self.name = name
        self.port, self.plain_port = free_port(), free_port()
        self.certificate, key = tls_certificate(dir), tls_key(dir)
        self.both = dir / "both.pem"
        self.both.write_text(self.certificate.read_text("ascii") + key.read_text("ascii"), encoding="ascii")
        first, second = gateways
        replacements = {
            "10.0.0.11:8080": f"{HOST}:{first}",
            "10.0.0.12:8080": f"{HOST}:{second}",
            **{"nginx": self._nginx, "caddy": self._caddy, "haproxy": self._haproxy}[name](),
        }
        text = (FILES / PROXIES[name]).read_text(encoding="utf-8")
        for before, after in replacements.items():
            assert before in text, f"{PROXIES[name]} has no {before!r}"
            text = text.replace(before, after)
        self.file = dir / PROXIES[name]
        self.file.write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """Return the settings for clients of the proxy."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def _nginx(self) -> dict[str, str]:
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"    {path}_temp_path {self.dir / path};\n" for path in paths)
        return {
            "user www-data;": "daemon off;",
            "worker_processes auto;": "worker_processes 1;",
            "worker_rlimit_nofile 200000;\n": "",
            "worker_connections 100000;": "worker_connections 2000;",
            "/var/log/nginx/error.log": str(self.dir / "error.log"),
            "/var/log/nginx/access.log": str(self.dir / "access.log"),
            "/run/nginx.pid": str(self.dir / "pid"),
            "http {\n": f"http {{\n{folders}",
            "        listen [::]:80;\n": "",
            "        listen [::]:443 ssl http2;\n": "",
            "listen 80;": f"listen {HOST}:{self.plain_port};",
            "listen 443 ssl": f"listen {HOST}:{self.port} ssl",
            "/etc/ssl/news.example.pem": str(self.certificate),
            "/etc/ssl/news.example.key": str(self.dir / "key.pem"),
        }

    def _caddy(self) -> dict[str, str]:
        ports = f"\thttp_port {self.plain_port}\n\thttps_port {self.port}\n\tdefault_bind {HOST}\n"
        storage = f"\tadmin off\n\tstorage file_system {self.dir}\n"
        certificate = f"\ttls {self.certificate} {self.dir / 'key.pem'}\n"
        return {
            "(gateway) {\n": f"{{\n{ports}{storage}}}\n\n(gateway) {{\n",
            "news.example {\n": f"{HOST} {{\n{certificate}",
        }

    def _haproxy(self) -> dict[str, str]:
        return {
            "log /dev/log local0 notice": "log stdout format raw local0 notice",
            "    user haproxy\n    group haproxy\n": "",
            "maxconn 100000": "maxconn 1000",
            "    bind [::]:80 v6only\n": "",
            "    bind [::]:443 v6only ssl crt /etc/haproxy/news.example.pem alpn h2,http/1.1\n": "",
            "bind :80\n": f"bind {HOST}:{self.plain_port}\n",
            "bind :443 ssl": f"bind {HOST}:{self.port} ssl",
            "/etc/haproxy/news.example.pem": str(self.both),
        }

    def _words(self) -> list[str]:
        options = {
            "nginx": ["-p", str(self.dir), "-e", "stderr", "-c", str(self.file)],
            "caddy": ["run", "--adapter", "caddyfile", "--config", str(self.file)],
            "haproxy": ["-db", "-f", str(self.file)],
        }
        # Caddy keeps its last configuration in the user's folder.
        return ["env", f"XDG_CONFIG_HOME={self.dir}", str(program(self.name)), *options[self.name]]

    def _is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self.name} ended with status {status} at its start:\n{self.log[-2000:]}"
        with suppress(OSError), socket.create_connection((HOST, self.port)) as plain:
            self.tls().wrap_socket(plain, server_hostname=HOST).close()
            return True
        return False
