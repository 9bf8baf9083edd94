"""The script `tick`: Ctrl-C is blocked before Python starts, and the right Python starts wherever the script is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import publisher_cli
from tests.support.system import environment

NOTHING_SENT = "interrupted: nothing was sent\n"
SCRIPT = Path(publisher_cli.__file__).parent / "bin" / "tick"
INTERRUPTED_WHILE_STARTING = f"""#!/bin/sh
kill -INT $$
exec {sys.executable} "$@"
"""
NO_BLOCKING = f"""#!/bin/sh
case $1 in --block*) echo "illegal option" >&2; exit 1 ;; esac
exec {shutil.which("env")} "$@"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an installed `tick`."""
    return installed(tmp_path / "bin")


def installed(folder: Path, interpreter: str | Path = sys.executable) -> Path:
    folder.mkdir()
    shutil.copy(SCRIPT, folder)
    write(folder / "ticker", f"#!{interpreter}\nprint('another program')\n")
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def run(script: Path, *words: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [script, *words], env=environment(**environ), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def path_with(folder: Path) -> str:
    return f"{folder}:{os.environ['PATH']}"


def test_ctrl_c_while_python_starts_prints_one_sentence(tmp_path: Path) -> None:
    python = write(tmp_path / "python", INTERRUPTED_WHILE_STARTING)
    script = installed(tmp_path / "bin", python) / "tick"
    assert run(script, "post", "Never sent", "-e", "en") == (130, "", NOTHING_SENT)


def test_ctrl_c_while_python_starts_prints_one_sentence_where_only_perl_can_block_it(tmp_path: Path) -> None:
    python = write(tmp_path / "python", INTERRUPTED_WHILE_STARTING)
    write(tmp_path / "others" / "env", NO_BLOCKING)
    script = installed(tmp_path / "bin", python) / "tick"
    assert run(script, "post", "Never sent", "-e", "en", PATH=path_with(tmp_path / "others")) == (130, "", NOTHING_SENT)


def test_ctrl_c_in_the_script_itself_prints_one_sentence(tmp_path: Path, folder: Path) -> None:
    write(tmp_path / "others" / "env", "#!/bin/sh\nkill -INT $PPID\n")
    environ = {"PATH": path_with(tmp_path / "others")}
    assert run(folder / "tick", "post", "Never sent", "-e", "en", **environ) == (130, "", NOTHING_SENT)


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


def test_ctrl_c_at_the_first_moment_of_python_prints_one_sentence(
    folder: Path, started: list[subprocess.Popen[str]]
) -> None:
    process = start_post(folder, started)
    name = Path(f"/proc/{process.pid}/comm")
    while not name.read_text(encoding="utf-8").startswith("python"):
        assert process.poll() is None
    assert interrupt(process) == (130, "", NOTHING_SENT)


@pytest.mark.parametrize("milliseconds", range(1, 61, 4))
def test_ctrl_c_never_prints_a_traceback(folder: Path, started: list[subprocess.Popen[str]], milliseconds: int) -> None:
    """The kernel ends the process silently until the shell's first command, and while it starts `env`."""
    process = start_post(folder, started)
    until = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < until:
        pass
    assert interrupt(process) in ((130, "", NOTHING_SENT), (-signal.SIGINT, "", ""))


def test_script_is_found_through_links(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "absolute").symlink_to(folder / "tick")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "tick").symlink_to("../absolute")
    code, out, err = run(tmp_path / "links" / "tick", "--version")
    assert (code, err) == (0, "")
    assert out.startswith("tick, version ")


@pytest.mark.parametrize("name", ["a folder", "a=b", "a*b"])
def test_python_is_beside_the_script_if_its_path_is_in_no_first_line(tmp_path: Path, name: str) -> None:
    """Installers write `#!/bin/sh` if the path of the interpreter is long or has a space."""
    folder = installed(tmp_path / name, "/bin/sh")
    write(folder / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert run(folder / "tick", "--version")[0] == 0


def test_options_of_the_interpreter_are_kept(tmp_path: Path) -> None:
    folder = installed(tmp_path / "bin", f"{sys.executable} -s -X importtime")
    assert "import time:" in run(folder / "tick", "--version")[2]


def test_system_without_a_means_to_block_ctrl_c_starts_tick_all_the_same(tmp_path: Path, folder: Path) -> None:
    write(tmp_path / "others" / "env", NO_BLOCKING)
    assert run(folder / "tick", "--version", PATH=str(tmp_path / "others"))[0] == 0


def test_no_module_is_imported_from_the_folder_of_the_script(folder: Path) -> None:
    write(folder / "click.py", "raise RuntimeError\n")
    assert run(folder / "tick", "--version")[0] == 0
