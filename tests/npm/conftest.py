"""The npm package, built and packed once, and a project in which it is installed."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scripts.build_package import build_package, pack
from scripts.build_widget import find_program, install_tools, tool_environment


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
def manifest(package: Path) -> dict[str, Any]:
    """The custom elements manifest."""
    found: dict[str, Any] = json.loads((package / "custom-elements.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def element(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says about the element."""
    declarations: list[dict[str, Any]] = manifest["modules"][0]["declarations"]
    return next(each for each in declarations if each.get("tagName") == "breaking-ticker")


@pytest.fixture(scope="session")
def project(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a user, who has installed the packed file and nothing else."""
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
    for name in ("@types", "vue", "svelte"):
        (project / "node_modules" / name).symlink_to(install_tools() / name)
    return project
