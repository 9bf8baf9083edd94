"""The chart in `deploy/helm`: Helm accepts it, Kubernetes would accept its objects, and its words are Ticker's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import click
import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator

from tests.support.chart import CHART, LEAST, NEWSROOM, Document, merged, pods, rendered, run_helm
from ticker.cli import ticker
from ticker.console import Console
from ticker.settings import load_settings
from ticker.store.rights import Part
from ticker.store.url import parse_url
from ticker.variables import known_variables

VERSIONS: Final = ("1.25", "1.29", "1.33", "1.37")
SPARE_S: Final = 10
"""The seconds that docs/operating.md adds to `drain_s`."""
ENDPOINTS: Final = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture(scope="module")
def least(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("values") / "least.yaml"
    path.write_text(yaml.safe_dump(LEAST), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["least", "newsroom"])
def values(request: pytest.FixtureRequest, least: Path) -> Path:
    return {"least": least, "newsroom": NEWSROOM}[request.param]


@pytest.fixture(scope="module")
def objects(values: Path) -> list[Document]:
    return rendered(values)


@pytest.fixture(scope="module")
def newsroom() -> list[Document]:
    return rendered(NEWSROOM)


def named(objects: list[Document], kind: str, ending: str) -> Document:
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"].endswith(ending)]
    return found


def variables(container: Document) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_helm_finds_nothing(values: Path) -> None:
    ran = run_helm("lint", "--strict", str(CHART), "--values", str(values))
    assert ran.returncode == 0, ran.stdout
    assert "[WARNING]" not in ran.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_in_each_version_of_kubernetes(newsroom: list[Document], version: str) -> None:
    """The newsroom has every kind of object."""
    assert len(newsroom) >= 15
    for each in newsroom:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found(newsroom: list[Document]) -> None:
    pod = {**newsroom[0], "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)


def test_ticker_accepts_every_command(objects: list[Document]) -> None:
    seen = []
    for _, spec in pods(objects):
        for container in spec["containers"]:
            program, name, *words = container["args"]
            command = ticker.get_command(click.Context(ticker), name)
            assert (program, command is not None) == ("ticker", True)
            assert command is not None
            command.make_context(name, words, obj=Console())
            seen.append(name)
    assert {"desk", "gateway"} <= set(seen)


def test_a_wrong_option_in_a_command_is_found() -> None:
    command = ticker.get_command(click.Context(ticker), "gateway")
    assert command is not None
    with pytest.raises(click.NoSuchOption):
        command.make_context("gateway", ["--metric-port", "9100"], obj=Console())


def test_every_variable_has_a_meaning(objects: list[Document]) -> None:
    names = {each["name"] for _, spec in pods(objects) for container in spec["containers"] for each in container["env"]}
    assert names <= known_variables()
    assert {"TICKER_REDIS_URL", "TICKER_REDIS_PASSWORD_FILE", "TICKER_SETTINGS", "TICKER_DRAIN_S"} <= names


def test_each_part_has_its_own_user_and_secret(newsroom: list[Document]) -> None:
    found = {}
    for each, spec in pods(newsroom):
        (container,) = spec["containers"]
        url = variables(container).get("TICKER_REDIS_URL")
        if url is not None:
            target = parse_url(url)
            part = each["metadata"]["labels"]["app.kubernetes.io/component"]
            (secret,) = [volume["secret"] for volume in spec["volumes"] if volume["name"] == "redis"]
            found[part] = (target.credentials["username"], secret["secretName"])
            assert (target.nodes, target.tls) == (
                (("valkey.news.example", 6380),),
                {"ssl_ca_certs": "/etc/ticker/redis-ca/ca.crt"},
            )
    users = {part.value: (part.user, part.user) for part in (Part.DESK, Part.GATEWAY, Part.API)}
    assert found == users


def test_no_object_has_a_password(objects: list[Document]) -> None:
    assert not [each for each in objects if each["kind"] == "Secret"]
    for _, spec in pods(objects):
        for container in spec["containers"]:
            assert not [name for name in variables(container) if name.endswith(("PASSWORD", "SECRET", "TOKEN"))]


def test_every_mounted_file_that_a_variable_names_exists(objects: list[Document]) -> None:
    for _, spec in pods(objects):
        (container,) = spec["containers"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        files = {"/etc/ticker/settings/ticker.toml"}
        for mount in container["volumeMounts"]:
            secret = volumes.get(mount["name"], {}).get("secret", {})
            files |= {f"{mount['mountPath']}/{item['path']}" for item in secret.get("items", [])}
        assert {value for value in variables(container).values() if value.startswith("/")} <= files


def test_probes_ask_paths_that_exist_on_a_port_that_exists(objects: list[Document]) -> None:
    for each, spec in pods(objects):
        (container,) = spec["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = container[probe]["httpGet"]
            assert request["path"] in ENDPOINTS
            assert request["port"] in ports
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert f"0.0.0.0:{ports['metrics']}" in container["args"]
        annotations = each["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(ports["metrics"])
        assert annotations["prometheus.io/path"] in ENDPOINTS


@pytest.mark.parametrize(("drain", "pre_stop"), [(20, 5), (120, 0)])
def test_a_gateway_has_time_for_its_drain(tmp_path: Path, drain: int, pre_stop: int) -> None:
    given = merged(LEAST, {"gateway": {"drainSeconds": drain, "preStopSeconds": pre_stop}})
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    spec = named(rendered(path), "Deployment", "-gateway")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = load_settings(None, {"TICKER_DRAIN_S": variables(container)["TICKER_DRAIN_S"]})
    assert settings.drain_s == drain
    assert spec["terminationGracePeriodSeconds"] == drain + pre_stop + SPARE_S
    assert ("lifecycle" in container) is bool(pre_stop)


def test_no_container_has_rights_that_it_does_not_need(objects: list[Document]) -> None:
    for _, spec in pods(objects):
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def labels_of(objects: list[Document]) -> list[dict[str, str]]:
    return [each["spec"]["template"]["metadata"]["labels"] for each, _ in pods(objects)]


def test_every_selector_finds_the_pods_of_one_part(objects: list[Document]) -> None:
    selectors = []
    for each in objects:
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            selectors.append(spec["selector"])
        elif each["kind"] == "NetworkPolicy":
            selectors.append(spec["podSelector"]["matchLabels"])
        elif "selector" in spec:
            selectors.append(spec["selector"]["matchLabels"])
    assert len(selectors) >= 6
    for selector in selectors:
        assert sum(selector.items() <= labels.items() for labels in labels_of(objects)) == 1


def test_every_part_has_a_network_policy(newsroom: list[Document]) -> None:
    policies = [each["spec"] for each in newsroom if each["kind"] == "NetworkPolicy"]
    for labels in labels_of(newsroom):
        (policy,) = [each for each in policies if each["podSelector"]["matchLabels"].items() <= labels.items()]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert all(rule["from"] for rule in policy["ingress"])


def test_only_the_gateway_and_the_posting_part_accept_requests(newsroom: list[Document]) -> None:
    open_parts = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]
        for each in newsroom
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"]["ingress"]
        if {"protocol": "TCP", "port": "http"} in rule["ports"]
    }
    assert open_parts == {"gateway", "api"}


def test_autoscaling_counts_followers(newsroom: list[Document]) -> None:
    deployment = named(newsroom, "Deployment", "-gateway")
    scaler = named(newsroom, "HorizontalPodAutoscaler", "-gateway")["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    (metric,) = scaler["metrics"]
    assert metric["pods"]["metric"]["name"] == "ticker_followers"
    assert metric["pods"]["target"]["averageValue"] == "20000"


def test_the_settings_of_the_example_can_be_loaded(newsroom: list[Document], tmp_path: Path) -> None:
    path = tmp_path / "ticker.toml"
    path.write_text(named(newsroom, "ConfigMap", "-settings")["data"]["ticker.toml"], encoding="utf-8")
    (container,) = named(newsroom, "Deployment", "-gateway")["spec"]["template"]["spec"]["containers"]
    settings = load_settings(path, variables(container))
    assert list(settings.editions) == ["en", "ar"]
    assert (settings.trusted_proxies, settings.public_url) == (("10.42.0.0/16",), "https://live.news.example")


REFUSED: Final[list[tuple[str, dict[str, Any]]]] = [
    ("hosts", {"redis": {"hosts": []}}),
    ("scheme", {"redis": {"scheme": "http"}}),
    ("hosts", {"redis": {"hosts": ["a:1", "b:2"]}}),
    ("service", {"redis": {"scheme": "rediss+sentinel", "hosts": ["a:1", "b:2"]}}),
    ("service", {"redis": {"service": "news"}}),
    ("caSecret", {"redis": {"scheme": "redis", "caSecret": {"name": "ca"}}}),
    ("hosts", {"redis": {"hosts": ["user:password@valkey.example"]}}),
    ("passwordSecret", {"desk": {"redis": {"passwordSecret": {"name": ""}}}}),
    ("passwordSecret", {"api": {"enabled": True}}),
    ("password", {"desk": {"redis": {"password": "secret"}}}),
    ("replicas", {"desk": {"replicas": 3}}),
    ("replicas", {"gateway": {"replicas": "2"}}),
    ("drainSeconds", {"gateway": {"drainSeconds": 0}}),
    ("publicUrl", {"gateway": {"publicUrl": "news.example/live"}}),
    ("trustedProxies", {"gateway": {"trustedProxies": ["ingress"]}}),
    ("trustedProxies", {"ingress": {"enabled": True, "host": "news.example", "tlsSecret": "tls"}}),
    ("tlsSecret", {"ingress": {"enabled": True, "host": "a.example"}, "gateway": {"trustedProxies": ["10.0.0.1"]}}),
    ("to", {"relays": [{"name": "cms", "to": "cms.example", "editions": ["en"], "secret": {"name": "a", "key": "b"}}]}),
    ("secret", {"relays": [{"name": "cms", "to": "https://cms.example", "editions": ["en"]}]}),
    ("gatway", {"gatway": {"replicas": 2}}),
]


def test_the_page_names_values_that_exist(defaults: Document) -> None:
    page = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    named_values = set(re.findall(r"`((?:image|redis|desk|gateway|relay|ingress|networkPolicy)\.[\w.]+)`", page))
    assert len(named_values) > 12
    for path in named_values:
        value: Any = defaults
        for name in path.split("."):
            assert name in value, path
            value = value[name]


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    document = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(document)
    return Draft7Validator(document)


@pytest.fixture(scope="module")
def defaults() -> Document:
    document: Document = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return merged(document, LEAST)


def test_the_schema_accepts_the_least_values(schema: Draft7Validator, defaults: Document) -> None:
    assert [error.message for error in schema.iter_errors(defaults)] == []


@pytest.mark.parametrize(("place", "change"), REFUSED)
def test_the_schema_refuses(schema: Draft7Validator, defaults: Document, place: str, change: dict[str, Any]) -> None:
    errors = [f"{error.json_path} {error.message}" for error in schema.iter_errors(merged(defaults, change))]
    assert errors
    assert all(place in error for error in errors), errors


def test_helm_applies_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(merged(LEAST, {"gateway": {"drainSeconds": 0}})), encoding="utf-8")
    ran = run_helm("template", "news", str(CHART), "--values", str(path))
    assert ran.returncode != 0
    assert "/gateway/drainSeconds" in ran.stderr


def test_every_value_has_a_rule_in_the_schema(schema: Draft7Validator, defaults: Document) -> None:
    """Otherwise a typing error in a name would be ignored."""
    open_tables = {"podAnnotations", "nodeSelector", "annotations", "requests", "limits"}

    def tables(value: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, dict) or path.rpartition(".")[2] in open_tables:
            return []
        return [(path, value), *(each for name in value for each in tables(value[name], f"{path}.{name}"))]

    found = tables(defaults, "")
    assert len(found) > 20
    for path, _ in found:
        change: Any = {"typo": 1}
        for name in reversed(path.split(".")[1:]):
            change = {name: change}
        assert list(schema.iter_errors(merged(defaults, change))), path
