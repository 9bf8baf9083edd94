"""The npm package, built and packed once, a project in which it is installed, and the fixtures of the browser."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from scripts.build_package import build_package, pack
from scripts.build_widget import find_program, install_tools, tool_environment
from tests.support.browser_fixtures import browser, harness, host, reader

__all__ = ["browser", "harness", "host", "reader"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/npm/" in item.nodeid and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package, as it is packed."""
    folder = tmp_path_factory.mktemp("npm") / "breaking-ticker"
    build_package(folder)
    return folder


@pytest.fixture(scope="session")
def packed(package: Path) -> Path:
    return pack(package, package.parent)


@pytest.fixture(scope="session")
def packed_files(packed: Path) -> set[str]:
    with tarfile.open(packed) as opened:
        return {name.removeprefix("package/") for name in opened.getnames()}


@pytest.fixture(scope="session")
def project(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project with only the packed file installed."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = [find_program("npm"), "install", "--offline", "--ignore-scripts", str(packed)]
    environment = tool_environment() | {"npm_config_cache": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def typed_project(project: Path) -> Path:
    """The same project, with the types of the frameworks."""
    for name in ("@types", "preact", "vue", "svelte"):
        (project / "node_modules" / name).symlink_to(install_tools() / name)
    return project
