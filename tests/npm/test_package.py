"""The npm package: it installs without a network, and every tool finds what it exports."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from scripts.build_package import PUBLIC_TYPES
from scripts.build_widget import ROOT
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines
from tests.support.browser_reader import Readers
from tests.support.node import run_node, run_tsc

FOLDER = Path(__file__).parent
MISSING_SERVER = 'breaking-ticker: set "server" to the address of the ticker\'s server, not to ""'
EXPORTS = ["BreakingTicker", "Fold", "nextBoardChange"]


def test_package_has_only_the_files_that_users_need(packed_files: set[str]) -> None:
    types = {f"types/{name}.d.ts" for name in PUBLIC_TYPES}
    assert packed_files == types | {
        "LICENSE", "README.md", "package.json", "custom-elements.json", "themes.css", "index.js", "index.js.map",
        "tail.js", "tail.js.map", "define.js",
        "index.d.ts", "define.d.ts", "react.d.ts", "preact.d.ts", "vue.d.ts", "svelte.d.ts",
    }  # fmt: skip


def test_package_has_the_version_of_the_project(package: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = json.loads((package / "package.json").read_text(encoding="utf-8"))
    assert (found["version"], found["license"]) == (project["version"], project["license"])


def test_every_export_is_a_file_of_the_package(package: Path, packed_files: set[str]) -> None:
    exports = json.loads((package / "package.json").read_text(encoding="utf-8"))["exports"]
    targets = {
        target for value in exports.values() for target in (value.values() if isinstance(value, dict) else [value])
    }
    assert {target.removeprefix("./") for target in targets} <= packed_files


def test_source_map_of_the_package_names_no_folder_of_the_build(package: Path) -> None:
    source_map = json.loads((package / "index.js.map").read_text(encoding="utf-8"))
    assert all(name.startswith("src/") for name in source_map["sources"])
    assert len(source_map["sources"]) == len(source_map["sourcesContent"])


def test_class_can_be_imported_on_a_server_and_only_the_define_entry_defines_the_element(project: Path) -> None:
    shutil.copy(FOLDER / "use.mjs", project)
    done = run_node(project / "use.mjs")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "main": EXPORTS,
        "define": ["BreakingTicker"],
        "before": [],
        "after": ["breaking-ticker"],
    }


def test_element_from_the_package_needs_the_address_of_its_server(
    package: Path, reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    """A module in a bundle of its page doesn't know where the ticker's server is."""
    harness.post("en", "One")
    for name in ("index.js", "define.js"):
        host.put(f"/{name}", (package / name).read_text(encoding="utf-8"), Content_Type="text/javascript")
    profile = reader()
    profile.expected = ("breaking-ticker: ",)
    page = profile.context.new_page()
    with page.expect_console_message(lambda message: message.type == "error") as logged:
        body = '<link rel="icon" href="data:,"><breaking-ticker edition="en"></breaking-ticker>'
        page.goto(host.put("/", f'<!doctype html>{body}<script type="module" src="/define.js"></script>'))
    assert logged.value.text == MISSING_SERVER
    page.evaluate("server => (document.querySelector('breaking-ticker').server = server)", harness.address)
    expect_lines(page, "One")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("resolution", "sources"), [("node16", ["dom.ts"]), ("bundler", ["react.tsx", "preact.tsx", "vue.ts", "svelte.ts"])]
)
def test_types_fit_plain_typescript_and_frameworks(typed_project: Path, resolution: str, sources: list[str]) -> None:
    for name in sources:
        shutil.copy(FOLDER / "types" / name, typed_project)
    options = {
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noEmit": True,
        "skipLibCheck": sources != ["dom.ts"],  # the types of the frameworks have errors of their own
        "skipDefaultLibCheck": True,
        "target": "es2023",
        "lib": ["es2023", "dom", "dom.iterable"],
        "jsx": "react-jsx",
        "types": [],
        "module": "node16" if resolution == "node16" else "esnext",
        "moduleResolution": resolution,
    }
    config = {"compilerOptions": options, "files": sources}
    (typed_project / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = run_tsc("-p", typed_project)
    assert (done.returncode, done.stdout) == (0, "")
