"""The launcher of `tick` blocks Ctrl-C before Python starts, and finds the right Python wherever it is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.system import environment

ROOT = Path(__file__).resolve().parents[2]
NOTHING_SENT = "interrupted: nothing was sent\n"
INTERRUPTED_WHILE_STARTING = f"""#!/bin/sh
kill -INT $$
exec {sys.executable} "$@"
"""

Install = Callable[..., Path]


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program as the package's build compiles it."""
    built = tmp_path_factory.mktemp("built")
    source = tmp_path_factory.mktemp("source")
    sources = ("publisher_cli/launcher.c", "ticker/gateway/send_all.c")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", *sources):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "setup.py", "--quiet", "build_scripts", "--build-dir", str(built)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return built / "tick"


@pytest.fixture
def install(launcher: Path) -> Install:
    def installed(folder: Path, interpreter: str | Path = sys.executable) -> Path:
        """Make the folder of an installed `tick`."""
        folder.mkdir()
        shutil.copy(launcher, folder)
        write(folder / "ticker", f"#!{interpreter}\nprint('another program')\n")
        return folder

    return installed


@pytest.fixture
def folder(tmp_path: Path, install: Install) -> Path:
    return install(tmp_path / "bin")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def run(program: Path, *words: str, cwd: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [program, *words], env=environment(), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_ctrl_c_while_python_starts_prints_one_sentence(tmp_path: Path, install: Install) -> None:
    python = write(tmp_path / "python", INTERRUPTED_WHILE_STARTING)
    program = install(tmp_path / "bin", python) / "tick"
    assert run(program, "post", "Never sent", "-e", "en") == (130, "", NOTHING_SENT)


@pytest.fixture
def started(folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Start commands that wait for a text on standard input, each in a process group of its own."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for each in running:
        each.kill()
        each.communicate()


def start_post(folder: Path, running: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [folder / "tick", "post", "-", "-e", "en"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    running.append(process)
    return process


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait(60)
    assert process.stdout is not None
    assert process.stderr is not None
    return code, process.stdout.read(), process.stderr.read()


def has_begun(process: subprocess.Popen[str]) -> bool:
    """Return whether the launcher has blocked SIGINT, or Python, which unblocks it, handles it already."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    masks = re.findall(r"^Sig(?:Blk|Cgt):\s*([0-9a-f]+)$", status, re.MULTILINE)
    return any(int(mask, 16) >> (signal.SIGINT - 1) & 1 for mask in masks)


@pytest.mark.parametrize("milliseconds", range(0, 61, 4))
def test_ctrl_c_always_prints_one_sentence_after_the_first_instructions(
    folder: Path, started: list[subprocess.Popen[str]], milliseconds: int
) -> None:
    process = start_post(folder, started)
    while not has_begun(process):
        assert process.poll() is None
    until = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < until:
        pass
    assert interrupt(process) == (130, "", NOTHING_SENT)


def test_program_is_found_through_links(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "absolute").symlink_to(folder / "tick")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "tick").symlink_to("../absolute")
    code, out, err = run(tmp_path / "links" / "tick", "--version")
    assert (code, err) == (0, "")
    assert out.startswith("tick, version ")


@pytest.mark.parametrize("name", ["a folder", "a=b", "a*b"])
def test_python_is_beside_the_program_if_its_path_is_in_no_first_line(
    tmp_path: Path, install: Install, name: str
) -> None:
    """Installers write `#!/bin/sh` if the path of the interpreter is long or has a space."""
    folder = install(tmp_path / name, "/bin/sh")
    write(folder / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert run(folder / "tick", "--version")[0] == 0


def test_options_of_the_interpreter_are_kept(tmp_path: Path, install: Install) -> None:
    folder = install(tmp_path / "bin", f"{sys.executable} -s -X importtime")
    assert "import time:" in run(folder / "tick", "--version")[2]


def test_missing_python_is_named(tmp_path: Path, install: Install) -> None:
    program = install(tmp_path / "bin", "/removed/bin/python3") / "tick"
    error = "tick: /removed/bin/python3: No such file or directory: nothing was sent\n"
    assert run(program, "--version") == (1, "", error)


def test_no_module_is_imported_from_the_present_folder(folder: Path) -> None:
    write(folder / "click.py", "raise RuntimeError\n")
    assert run(folder / "tick", "--version", cwd=folder)[0] == 0
