"""Tests of compose.yaml and the Dockerfile that need no container engine."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import ticker

ROOT = Path(__file__).resolve().parents[2]


def compose_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    """Validate a file with check-jsonschema, which contains the schema of the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, path], capture_output=True, text=True, check=False)


def dockerfile() -> list[list[str]]:
    """Return the Dockerfile's instructions, each as a list of words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_the_compose_file_is_valid() -> None:
    result = validate(ROOT / "compose.yaml")
    assert result.returncode == 0, result.stdout


def test_a_misspelt_setting_is_invalid(tmp_path: Path) -> None:
    broken = compose_file()
    broken["services"]["gateway"]["health_check"] = broken["services"]["gateway"].pop("healthcheck")
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(broken), encoding="utf-8")
    result = validate(path)
    assert result.returncode == 1
    assert "health_check" in result.stdout


def test_every_service_has_a_health_check_and_is_restarted() -> None:
    for name, service in compose_file()["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name


def test_services_wait_until_the_server_is_healthy() -> None:
    services = compose_file()["services"]
    for name in ("desk", "gateway", "api"):
        assert services[name]["depends_on"]["valkey"] == {"condition": "service_healthy"}


def valkey_settings() -> dict[str, str]:
    """Return the settings that the command of the server writes to its standard input."""
    shell, option, script = compose_file()["services"]["valkey"]["command"]
    assert (shell, option) == ("sh", "-c")
    first, *lines, last = script.splitlines()
    assert (first, last) == ("exec valkey-server - <<SETTINGS", "SETTINGS")
    return dict(line.split(" ", 1) for line in lines)


def test_the_server_never_loses_acknowledged_lines() -> None:
    assert (
        valkey_settings().items()
        >= {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
        }.items()
    )
    assert compose_file()["services"]["valkey"]["volumes"] == ["valkey:/data"]
    assert "valkey" in compose_file()["volumes"]


def test_the_servers_memory_is_limited() -> None:
    settings = valkey_settings()
    names = ("maxmemory", "proto-max-bulk-len", "client-query-buffer-limit")
    assert [settings[name] for name in names] == ["512mb", "1mb", "4mb"]
    assert compose_file()["services"]["valkey"]["mem_limit"] == "1g"


def test_the_password_is_only_in_a_file_that_is_not_in_the_repository() -> None:
    composed = compose_file()
    assert composed["secrets"]["redis-password"] == {"file": "./secrets/redis-password"}
    assert composed["secrets"]["certificate"] == {"file": "./secrets/news.example.pem"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for name, service in composed["services"].items():
        others = {"proxy": ["certificate"], "grafana": ["grafana-password"], "prometheus": None}
        assert service.get("secrets") == others.get(name, ["redis-password"]), name
    assert valkey_settings()["requirepass"] == '"$$(cat /run/secrets/redis-password)"'
    for name in ("desk", "gateway", "api"):
        variables = composed["services"][name]["environment"]
        assert variables["TICKER_REDIS_PASSWORD_FILE"] == "/run/secrets/redis-password"
        assert "@" not in variables["TICKER_REDIS_URL"]


def test_every_port_is_on_loopback_only() -> None:
    ports = {name: service["ports"] for name, service in compose_file()["services"].items() if "ports" in service}
    assert ports == {
        "desk": ["127.0.0.1:9100:9100"],
        "gateway": ["127.0.0.1:8080:8080", "127.0.0.1:9101:9101"],
        "api": ["127.0.0.1:8090:8090", "127.0.0.1:9102:9102"],
        "proxy": ["127.0.0.1:80:80", "127.0.0.1:443:443"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_one_server_one_desk_and_one_gateway_run_by_default() -> None:
    services = compose_file()["services"]
    assert {name for name, service in services.items() if "profiles" not in service} == {"valkey", "desk", "gateway"}


def test_every_service_has_bounded_logs_and_bounded_memory() -> None:
    for name, service in compose_file()["services"].items():
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}, name
        assert service["mem_limit"] == "1g", name


def test_every_service_is_unprivileged() -> None:
    for name, service in compose_file()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert compose_file()["services"]["valkey"]["user"] == "valkey"


def test_every_image_has_an_exact_version() -> None:
    images = {service["image"] for service in compose_file()["services"].values()}
    assert f"breaking-ticker:{ticker.__version__}" in images
    images |= {words[1] for words in dockerfile() if words[0] == "FROM"}
    assert len(images) == 7
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+(-|$)", image), image


@contextmanager
def gateway_that_answers(status: int) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def probes() -> dict[str, str]:
    """Return the Python code of the gateway's health checks, by file."""
    words = next(words for words in dockerfile() if words[0] == "HEALTHCHECK")
    in_image: list[str] = yaml.safe_load(" ".join(words[words.index("CMD") + 1 :]))
    in_compose = compose_file()["services"]["gateway"]["healthcheck"]["test"]
    assert in_image[:2] == ["python", "-c"]
    assert in_compose[:3] == ["CMD", "python", "-c"]
    return {"Dockerfile": in_image[2], "compose.yaml": in_compose[3]}


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_a_health_check_follows_readyz(file: str, status: int, healthy: bool) -> None:
    with gateway_that_answers(status) as port:
        probe = probes()[file].replace(":8080/", f":{port}/")
        ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    assert (ran.returncode == 0) is healthy


def test_the_image_runs_as_an_unprivileged_user() -> None:
    last_stage = dockerfile()[max(i for i, words in enumerate(dockerfile()) if words[0] == "FROM") :]
    users = [words[1] for words in last_stage if words[0] == "USER"]
    assert users == ["10001:10001"]


def test_the_image_installs_only_from_the_locks() -> None:
    installs = [
        command
        for words in dockerfile()
        if words[0] == "RUN"
        for command in " ".join(words).split("&&")
        if "pip install" in command
    ]
    assert len(installs) == 2
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command


def test_dockerignore_includes_every_copied_file() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    included = {line[1:] for line in lines if line.startswith("!")}
    for words in dockerfile():
        if words[0] == "COPY" and not words[1].startswith("--from"):
            for source in words[1:-1]:
                assert any(name.startswith(source.rstrip("/")) for name in included), source
                assert (ROOT / source).exists(), source
