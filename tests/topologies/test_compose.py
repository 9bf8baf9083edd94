"""`compose.yaml` has the hosts of the topologies, with the same commands and settings."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from scripts.topologies.hosts import HA, SINGLE, Host, Kind, Topology, fill
from tests.support.programs import program

ROOT: Final = Path(__file__).resolve().parents[2]
PROXY_ADDRESS: Final = "172.30.77.10"
"""Gateways trust an address, and no name."""
PASSWORD: Final = "$$(cat /run/secrets/redis-password)"


def services(profile: str | None) -> dict[str, Any]:
    """Return the services of a profile; None: those without a profile."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    wanted = [] if profile is None else [profile]
    return {name: service for name, service in loaded.items() if service.get("profiles", []) == wanted}


def values(topology: Topology) -> Mapping[str, str]:
    """Return what the containers use in place of addresses: their names."""
    return {**{host.name: host.name for host in topology.hosts}, "password": PASSWORD, "proxy": PROXY_ADDRESS}


def settings_in(service: Mapping[str, Any]) -> list[str]:
    """Return the lines that the command of a server or a Sentinel writes to its file, or to its standard input."""
    script = service["command"][2]
    inside: str = script.partition("<<SETTINGS\n")[2].partition("\nSETTINGS")[0]
    return inside.splitlines()


CASES: Final = [(None, SINGLE), ("ha", HA)]


@pytest.mark.parametrize(("profile", "topology"), CASES)
def test_a_profile_has_the_hosts_of_its_topology(profile: str | None, topology: Topology) -> None:
    assert set(services(profile)) == {host.name for host in topology.hosts}


@pytest.mark.parametrize(("profile", "topology"), CASES)
def test_servers_have_the_settings_of_the_topology(profile: str | None, topology: Topology) -> None:
    composed = services(profile)
    hosts = [*topology.of(Kind.SERVER), *topology.of(Kind.SENTINEL)]
    expected = {host.name: [fill(line, values(topology)) for line in host.settings] for host in hosts}
    assert {name: settings_in(composed[name]) for name in expected} == expected


@pytest.mark.parametrize(("profile", "topology"), CASES)
def test_parts_have_the_commands_and_variables_of_the_topology(profile: str | None, topology: Topology) -> None:
    composed = services(profile)
    for host in [*topology.of(Kind.DESK), *topology.of(Kind.GATEWAY)]:
        filled = {name: fill(value, values(topology)) for name, value in host.environment.items()}
        assert composed[host.name]["command"] == ["ticker", *host.command]
        assert composed[host.name]["environment"] == filled, host.name


@pytest.mark.parametrize(("profile", "topology"), CASES)
def test_services_start_after_those_that_they_need(profile: str | None, topology: Topology) -> None:
    composed = services(profile)
    assert {name: set(each.get("depends_on", {})) for name, each in composed.items()} == {
        host.name: set(host.after) for host in topology.hosts
    }


def test_starting_the_proxy_starts_every_service_of_ha() -> None:
    composed = services("ha")
    found, waiting = set[str](), ["proxy"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += composed[name].get("depends_on", {})
    assert found == set(composed)


def test_the_gateways_trust_only_the_address_of_the_proxy() -> None:
    composed = services("ha")
    assert composed["proxy"]["networks"] == {"ha": {"ipv4_address": PROXY_ADDRESS}}
    published = [name for name, service in composed.items() if "ports" in service]
    assert published == ["proxy"]


def test_the_proxy_has_a_working_file_with_the_names_of_the_gateways(tmp_path: Path) -> None:
    """Run the container's own `sed`, and let HAProxy check the result."""
    script: str = services("ha")["proxy"]["command"][2].partition("exec ")[0].replace("$$", "$")
    source = ROOT / "deploy" / "proxy" / "haproxy.cfg"
    script = script.replace("/etc/haproxy.cfg", str(source)).replace("/tmp/haproxy.cfg", str(tmp_path / "haproxy.cfg"))
    subprocess.run(["sh", "-ec", script], check=True)
    text = (tmp_path / "haproxy.cfg").read_text(encoding="utf-8")
    assert "server gateway1 gateway1:8080" in text
    assert "server gateway2 gateway2:8080" in text
    left = [word for word in ("user haproxy", "[::]", "/dev/log", "server gateway1 10.") if word in text]
    assert left == []
    assert "ssl crt /run/secrets/certificate " in text
    # No resolver knows the names of containers here, and there is no certificate.
    checkable = text.replace(" ssl crt /run/secrets/certificate alpn h2,http/1.1", "")
    checkable = checkable.replace("gateway1:8080", "127.0.0.1:8080").replace("gateway2:8080", "127.0.0.2:8080")
    (tmp_path / "checked.cfg").write_text(checkable, encoding="utf-8")
    command = [str(program("haproxy")), "-c", "-f", str(tmp_path / "checked.cfg")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_hosts_with_settings_are_exactly_servers_and_sentinels() -> None:
    hosts: list[Host] = [*HA.hosts, *SINGLE.hosts]
    assert {host.kind for host in hosts if host.settings} == {Kind.SERVER, Kind.SENTINEL}


def test_prometheus_watches_the_parts_with_the_intervals_and_alerts_of_its_example() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    content = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", composed["configs"]["prometheus"]["content"])
    watched = yaml.safe_load(content)
    example = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert {name: watched[name] for name in ("global", "rule_files")} == {
        name: example[name] for name in ("global", "rule_files")
    }
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in watched["scrape_configs"]}
    assert jobs == {"ticker-gateway": ["gateway:9101"], "ticker-desk": ["desk:9100"]}
    assert set(jobs) <= {job["job_name"] for job in example["scrape_configs"]}


def test_grafana_shows_the_dashboard_of_deploy() -> None:
    service = services("watch")["grafana"]
    files = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
    assert [(ROOT / file).exists() for file in files] == [True]
