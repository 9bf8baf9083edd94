"""Build the npm package of the element: `make npm` writes `dist/breaking-ticker-<version>.tgz`.

`npm/` has the files that people write: `package.json`, the types and the README. The others are made from
`ticker/widget/src/`: the modules, the types of the sources, and the custom elements manifest.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.build_widget import ROOT, TAIL, WIDGET, find_program, install_tools, run_tool

PACKAGE: Final = ROOT / "npm"
MODULE_OPTIONS: Final = (
    "--bundle", "--format=esm", "--target=es2023", "--charset=utf8", "--sourcemap", "--log-level=warning",
    # A bundler moves the module to the page's own server, so its address says nothing about the ticker's server.
    '--define:import.meta.url=""',
)  # fmt: skip
TYPE_OPTIONS: Final = (
    "--allowJs", "--checkJs", "--strict", "--declaration", "--emitDeclarationOnly", "--target", "es2023",
    "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable",
)  # fmt: skip
PUBLIC_TYPES: Final = (
    "attributes", "connection", "element", "fold", "index", "link", "sharing", "tabs", "words",
)  # fmt: skip
"""The modules whose types the package's own types use."""


def build_package(target: Path) -> None:
    """Write all files of the package into `target`, a folder that doesn't exist yet."""
    build_manifest(target)
    build_modules(target)
    tsc = install_tools() / "typescript" / "bin" / "tsc"
    run_tool([*_node(tsc), "src/index.js", "--outDir", "types", *TYPE_OPTIONS], target)
    for file in (target / "types").iterdir():
        if file.name.removesuffix(".d.ts") not in PUBLIC_TYPES:
            file.unlink()
    shutil.rmtree(target / "src")
    (target / "manifest.config.mjs").unlink()


def copy_sources(target: Path) -> None:
    """Copy the sources and the files of `npm/` into `target`, a folder that doesn't exist yet."""
    # All is built inside the folder, because the source map has relative paths: the result is the same everywhere.
    shutil.copytree(PACKAGE, target)
    shutil.copytree(WIDGET / "src", target / "src")


def build_manifest(target: Path) -> None:
    """Copy the sources and the files of `npm/` into `target`, and write the custom elements manifest."""
    copy_sources(target)
    analyzer = install_tools() / "@custom-elements-manifest" / "analyzer" / "cem.js"
    run_tool([*_node(analyzer), "analyze", "--quiet", "--config", "manifest.config.mjs"], target)


def build_modules(target: Path) -> None:
    """Write the modules and what belongs to them into `target`, which has the sources."""
    shutil.copy(ROOT / "LICENSE", target)
    shutil.copy(WIDGET / "themes.css", target)
    esbuild = install_tools() / ".bin" / "esbuild"
    run_tool([str(esbuild), "src/index.js", "--outfile=index.js", *MODULE_OPTIONS, f"--external:./{TAIL}.js"], target)
    run_tool([str(esbuild), f"src/{TAIL}.js", f"--outfile={TAIL}.js", *MODULE_OPTIONS], target)
    shutil.copy(target / "src" / "define.js", target)


def pack(package: Path, folder: Path) -> Path:
    """Pack the files of a package as for publishing. Return the packed file, which is in `folder`."""
    folder.mkdir(exist_ok=True)
    name = run_tool([find_program("npm"), "pack", "--silent", "--pack-destination", str(folder)], package)
    return folder / name.strip().splitlines()[-1]


def _node(script: Path) -> list[str]:
    return [find_program("node"), str(script)]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        build_package(package)
        print(pack(package, ROOT / "dist").relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
