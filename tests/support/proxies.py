"""nginx, Caddy and HAProxy with the files of `deploy/proxy/`, in front of gateways on this machine.

Only addresses, ports, paths and users differ from the files: see `scripts/topologies/proxy_files.py`.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from scripts.topologies.proxy_files import PROXIES, Place, adapted, nginx_folders, proxy_words, replacements
from tests.support.programs import program
from tests.support.servers import HOST, ServerProcess, free_port
from tests.support.tls import tls_certificate, tls_key

_BARE: Final = {
    "nginx": """daemon off;
error_log stderr;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    {folders}
    server {{
        listen {host}:{port};
        location / {{ proxy_pass http://{host}:{gateway}; }}
    }}
}}
""",
    "caddy": """{{
    admin off
    auto_https off
    storage file_system {folder}
}}
http://:{port} {{
    reverse_proxy {host}:{gateway}
}}
""",
    "haproxy": """defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend readers
    bind {host}:{port}
    default_backend gateways
backend gateways
    server gateway {host}:{gateway}
""",
}
"""The shortest configuration of each proxy, as an operator in a hurry writes it: without a line about headers."""


class BareProxy(ServerProcess):
    """A running proxy without TLS, with its defaults, in front of the gateway on a port of this machine."""

    def __init__(self, dir: Path, name: str, gateway: int) -> None:  # noqa: A002 -- as ServerProcess
        super().__init__(dir)
        self.name = name
        self.port = free_port()
        text = _BARE[name].format(folder=dir, folders=nginx_folders(dir), host=HOST, port=self.port, gateway=gateway)
        (dir / PROXIES[name]).write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def _words(self) -> list[str]:
        return proxy_words(self.name, program(self.name), self.dir)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended at its start:\n{self.log[-2000:]}"
        with suppress(OSError):
            socket.create_connection((HOST, self.port)).close()
            return True
        return False


class Proxy(ServerProcess):
    """A running proxy with TLS in front of two gateways.

    Args:
        dir: The folder for its files.
        name: `nginx`, `caddy` or `haproxy`.
        gateways: The ports of two gateways on this machine.
        changes: Further words of the file to replace, for a proxy with a fault.

    """

    def __init__(
        self,
        dir: Path,  # noqa: A002 -- as ServerProcess
        name: str,
        gateways: Sequence[int],
        changes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(dir)
        self.name = name
        self.port, self.plain_port = free_port(), free_port()
        self.certificate, key = tls_certificate(dir), tls_key(dir)
        self.both = dir / "both.pem"
        self.both.write_text(self.certificate.read_text("ascii") + key.read_text("ascii"), encoding="ascii")
        first, second = gateways
        place = Place(dir, self.certificate, key, self.both)
        ports = f"\thttp_port {self.plain_port}\n\thttps_port {self.port}\n\tdefault_bind {HOST}\n"
        differences = {
            "10.0.0.11:8080": f"{HOST}:{first}",
            "10.0.0.12:8080": f"{HOST}:{second}",
            **replacements(name, place, site=HOST, options=ports),
            **self._ports(),
            **(changes or {}),
        }
        (dir / PROXIES[name]).write_text(adapted(name, differences), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """Return the settings for clients of the proxy."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def _ports(self) -> dict[str, str]:
        """Return what differs from the file so that the proxy listens on its ports. Caddy has them in its options."""
        match self.name:
            case "nginx":
                return {
                    "listen 80;": f"listen {HOST}:{self.plain_port};",
                    "listen 443 ssl": f"listen {HOST}:{self.port} ssl",
                }
            case "haproxy":
                return {
                    "bind :80\n": f"bind {HOST}:{self.plain_port}\n",
                    "bind :443 ssl": f"bind {HOST}:{self.port} ssl",
                }
            case _:
                return {}

    def _words(self) -> list[str]:
        return proxy_words(self.name, program(self.name), self.dir)

    def _is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self.name} ended with status {status} at its start:\n{self.log[-2000:]}"
        with suppress(OSError), socket.create_connection((HOST, self.port)) as plain:
            self.tls().wrap_socket(plain, server_hostname=HOST).close()
            return True
        return False
