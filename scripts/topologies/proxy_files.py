"""The files of `deploy/proxy/`, adapted for a proxy that runs from a folder. No I/O except reading those files.

Each difference is a replacement of words that must be in the file. So a proxy here has the settings that operators use.
IPv6 is left out, because a machine for tests may lack it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

FILES: Final = Path(__file__).parents[2] / "deploy" / "proxy"
PROXIES: Final = {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}
"""The file of each proxy in `deploy/proxy/`."""
SITE: Final = "news.example"
"""The name of the site in those files."""

CONNECTIONS: Final = 2000
"""How many connections of readers a proxy accepts here: each follower has one, and another one to its gateway."""

_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Place(msgspec.Struct, frozen=True):
    """The files of a proxy. `both` has the certificate and its key."""

    folder: Path
    certificate: Path
    key: Path
    both: Path


def adapted(name: str, replacements: Mapping[str, str]) -> str:
    """Return the file of a proxy with some words replaced.

    Raises:
        ValueError: If the file lacks some of the words.

    """
    text = (FILES / PROXIES[name]).read_text(encoding="utf-8")
    for before, after in replacements.items():
        if before not in text:
            raise ValueError(f"{PROXIES[name]} has no {before!r}")
        text = text.replace(before, after)
    return text


def replacements(
    name: str, place: Place, *, site: str = SITE, options: str = "", connections: int = CONNECTIONS
) -> dict[str, str]:
    """Return what differs for a proxy that keeps all its files in a folder and accepts `connections` of readers.

    `options` are more global options for Caddy.
    """
    match name:
        case "nginx":
            return _nginx(place, connections)
        case "caddy":
            storage = f"\tadmin off\n\tstorage file_system {place.folder}\n"
            return {
                "(gateway) {\n": f"{{\n{options}{storage}}}\n\n(gateway) {{\n",
                "news.example {\n": f"{site} {{\n\ttls {place.certificate} {place.key}\n",
            }
        case _:
            return {
                "log /dev/log local0 notice": "log stdout format raw local0 notice",
                "    user haproxy\n    group haproxy\n": "",
                "maxconn 100000": f"maxconn {connections}",
                "    bind [::]:80 v6only\n": "",
                "    bind [::]:443 v6only ssl crt /etc/haproxy/news.example.pem alpn h2,http/1.1\n": "",
                "/etc/haproxy/news.example.pem": str(place.both),
            }


def _nginx(place: Place, connections: int) -> dict[str, str]:
    return {
        "user www-data;": "daemon off;",
        "worker_processes auto;": "worker_processes 1;",
        "worker_rlimit_nofile 200000;\n": "",
        "worker_connections 100000;": f"worker_connections {2 * connections};",
        "/var/log/nginx/error.log": str(place.folder / "error.log"),
        "/var/log/nginx/access.log": str(place.folder / "access.log"),
        "/run/nginx.pid": str(place.folder / "pid"),
        "http {\n": f"http {{\n{nginx_folders(place.folder)}",
        "        listen [::]:80;\n": "",
        "        listen [::]:443 ssl http2;\n": "",
        "/etc/ssl/news.example.pem": str(place.certificate),
        "/etc/ssl/news.example.key": str(place.key),
    }


def nginx_folders(folder: Path) -> str:
    """Return the directives of nginx for its temporary folders."""
    return "".join(f"    {path}_temp_path {folder / path};\n" for path in _TEMPORARY)


def proxy_words(name: str, program: Path, folder: Path) -> list[str]:
    """Return the command line that runs a proxy in the foreground with the file in `folder`."""
    file = str(folder / PROXIES[name])
    options = {
        "nginx": ["-p", str(folder), "-e", "stderr", "-c", file],
        "caddy": ["run", "--adapter", "caddyfile", "--config", file],
        "haproxy": ["-db", "-f", file],
    }
    # Caddy keeps its last configuration in the user's folder.
    return ["env", f"XDG_CONFIG_HOME={folder}", str(program), *options[name]]
