"""Follow the chapters about Redis and its users in docs/operating.md, command by command, with an old Redis."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import redis

from scripts.redis70 import find_redis70
from tests.support.servers import HOST, ONE_TRY, ServerProcess, free_port
from tests.support.system import Program, Ran, environment, run_program

PAGE: Final = Path(__file__).parents[2] / "docs" / "operating.md"
ADDRESS: Final = "127.0.0.1:6379"
PASSWORD: Final = re.compile(r"^(?:(\S+))?\s+password  (\S+)  \(shown this once\)$", re.MULTILINE)
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Debian:
    """A machine on which the commands of the page run. Only its folder, its port and its system users differ."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "redis").mkdir()
        self.server = ConfiguredServer(folder / "redis")
        self.exported: dict[str, str] = {}
        self.programs: list[Program] = []
        self.ran: list[str] = []

    def run(self, command: str) -> Ran:
        """Run a command of the page as a shell would. Servers keep running."""
        self.ran.append(command)
        words = shlex.split(command.replace(ADDRESS, f"{HOST}:{self.server.port}"))
        variables: dict[str, str] = {}
        while "=" in words[0] and not words[0].startswith("-"):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        match words:
            case ["sudo", "install", "-o", "redis", "-g", "redis", "-m", "600", "/dev/null", "/etc/redis/users.acl"]:
                (self.server.dir / "users.acl").touch(mode=0o600)
            case ["sudo", "systemctl", "restart", "redis-server"]:
                self.server.start()
            case ["export", *assignments]:
                self.exported |= dict(each.split("=", 1) for each in assignments)
            case ["ticker", "desk" | "gateway" as part]:
                port = ["--port", "0"] if part == "gateway" else []
                log = self.folder / f"{part}.log"
                self.programs.append(Program([part, *port], self._environment(variables), log).start())
            case ["ticker" | "tick" as script, *arguments]:
                ran = run_program(script, *arguments, environ=self._environment(variables))
                self._keep_passwords(arguments, ran)
                return ran
            case _:
                raise AssertionError(f"the test doesn't know the command {command!r}")
        return Ran(0, "", "")

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        given = {**self.exported, **variables}
        return environment(
            **{name: str(self.folder / value) if name.endswith("_FILE") else value for name, value in given.items()}
        )

    def _keep_passwords(self, arguments: list[str], ran: Ran) -> None:
        """Put each password that was shown into a file, as the page says."""
        for user, password in PASSWORD.findall(ran.out):
            name = user or arguments[arguments.index("add") + 1]
            (self.folder / f"{name}.password").write_text(password, encoding="ascii")

    def stop(self) -> None:
        for program in self.programs:
            program.stop()
        self.server.stop()


class ConfiguredServer(ServerProcess):
    """A Redis 7.0 whose whole configuration is a file, like Debian's."""

    def __init__(self, dir: Path) -> None:  # noqa: A002 -- as ServerProcess
        super().__init__(dir)
        self.port = free_port()

    def write(self, block: str) -> None:
        """Append the page's block to what Debian's file has."""
        debian = f"bind {HOST}\nport {self.port}\ndir {self.dir}\nappendonly no\nappendfsync everysec\n"
        text = debian + block.replace("/etc/redis", str(self.dir))
        (self.dir / "redis.conf").write_text(text, encoding="utf-8")

    def _words(self) -> list[str]:
        program = find_redis70()
        assert program is not None, "Redis 7.0 is missing: run `make redis70`"
        return [str(program), str(self.dir / "redis.conf")]

    def _client(self) -> redis.Redis:
        return redis.Redis(host=HOST, port=self.port, **ONE_TRY)


@pytest.fixture
def debian(folder: Path) -> Iterator[Debian]:
    machine = Debian(folder)
    yield machine
    machine.stop()


def chapters() -> str:
    return PAGE.read_text(encoding="utf-8").partition("\n## Redis\n")[2].partition("\n## Roles\n")[0]


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Return each command of a console block, with the output that the page shows."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def is_like(output: str, shown: str) -> bool:
    """Return whether an output is as shown. `…` stands for one word."""
    return re.fullmatch(re.escape(shown).replace("…", r"\S+"), output) is not None


def test_the_chapters_about_redis_and_its_users_work_step_by_step(debian: Debian) -> None:
    checks: list[list[str]] = []
    for kind, block in _BLOCK.findall(chapters()):
        if kind == "":
            debian.server.write(block)
            continue
        assert kind == "console"
        for command, shown in steps(block):
            ran = debian.run(command)
            if command == "ticker doctor redis":
                checks.append(re.findall(r"\[([a-z-]+)\]$", ran.out, re.MULTILINE))
                continue
            assert ran.code == 0, (command, ran)
            assert not shown or is_like(ran.out, shown), (command, ran)
    assert len(debian.ran) > 10
    assert checks == [["open", "one-server"]]
    assert_closed(debian)


def assert_closed(debian: Debian) -> None:
    """Check that after a restart the default user is still off, and the others still exist."""
    debian.server.kill()
    debian.server.start()
    with pytest.raises(redis.AuthenticationError):
        debian.server.command("SMEMBERS", "ticker:editions")
    assert debian.run("ticker editor list").out.startswith("en  maha (chief)\nar  maha (chief)\n")
