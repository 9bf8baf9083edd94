"""docs/private-editions.md, step by step: the settings, the keys, the tokens, and programs that send them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from tests.support.doc_examples import examples
from tests.support.prefork import SCRIPTS
from tests.support.servers import short_folder
from tests.support.system import Program, System, environment, run_program
from tests.support.waiting import WAIT_S, until
from tests.support.webhook_receiver import SECRET, WebhookReceiver
from ticker.gateway.access import SUBPROTOCOL_PREFIX
from ticker.gateway.problems import PROBLEMS
from ticker.gateway.tokens import LEEWAY_S, TOKEN_MAX, Algorithm, Key, KeyRing, read_keys

PAGE = Path(__file__).resolve().parents[2] / "docs" / "private-editions.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    """The system with the page's settings, and with a key from the page's command."""
    (settings,) = examples(PAGE, "toml")
    path = folder / "ticker.toml"
    path.write_text(settings.text.replace("/etc/ticker", str(folder)), encoding="utf-8")
    made = run_program("ticker", "access", "key", str(folder / "keys.json"), environ=environment())
    assert made.code == 0, made.err
    with System(folder, TICKER_SETTINGS=str(path)) as running:
        yield running


def token_of(folder: Path, *words: str) -> str:
    ran = run_program(
        "ticker", "access", "token", "desk", "--key", str(folder / "keys.json"), *words, environ=environment()
    )
    assert ran.code == 0, ran.err
    return ran.out.strip()


def test_reader_with_the_commands_token_gets_the_edition(system: System, folder: Path) -> None:
    posted = system.tick("post", "--again", "For the desk only", "-e", "desk")
    assert posted.code == 0, posted.err
    headers = {"Authorization": f"Bearer {token_of(folder, '--for', '1h')}"}
    board = httpx.get(f"{system.url}/v1/desk/board", headers=headers)
    assert (board.status_code, "For the desk only" in board.text) == (200, True)
    assert httpx.get(f"{system.url}/v1/desk/board").status_code == 401


def test_tick_watch_reads_the_token_of_the_environment(system: System, folder: Path) -> None:
    (folder / "token").write_text(token_of(folder), encoding="ascii")
    assert system.tick("post", "--again", "Watched", "-e", "desk").code == 0
    words = ("watch", "--gateway", system.url, "-e", "desk", "--json")
    refused = system.tick(*words)
    assert (refused.code, "this edition is private" in refused.err) == (2, True), refused
    environ = {**system.environ, "TICKER_ACCESS_TOKEN_FILE": str(folder / "token")}
    command = [str(SCRIPTS / "tick"), *words]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, encoding="utf-8") as watching:
        assert watching.stdout is not None
        assert "Watched" in watching.stdout.readline(), "the board comes first"
        watching.terminate()


def test_relay_reads_the_token_of_the_environment(system: System, folder: Path) -> None:
    with WebhookReceiver() as receiver:
        words = ["relay", "-e", "desk", "--gateway", system.url, "--state", str(folder / "relay"), "--allow-private"]
        environ = {
            **system.environ,
            "TICKER_RELAY_SECRET": SECRET,
            "TICKER_ACCESS_TOKEN": token_of(folder),
            "TICKER_LOG_LEVEL": "debug",
        }
        with Program([*words, "--to", f"cms={receiver.url}"], environ, folder / "relay.log") as relay:
            posted = system.tick("post", "--again", "Relayed", "-e", "desk", "--json").json
            until(lambda: posted["id"] in receiver.shown, "the line arrived")
            assert environ["TICKER_ACCESS_TOKEN"] not in relay.log


def test_public_file_checks_tokens_and_makes_none(folder: Path, system: System) -> None:
    token = token_of(folder, "--for", "5m")
    ran = run_program("ticker", "access", "public", str(folder / "keys.json"), environ=environment())
    public = folder / "public.json"
    public.write_text(ran.out, encoding="utf-8")
    assert KeyRing(read_keys(public)).verify(token, "desk")
    words = ("access", "token", "desk", "--key", str(public))
    refused = run_program("ticker", *words, environ=environment())
    assert (refused.code, "is public" in refused.err) == (2, True)
    again = run_program("ticker", "access", "key", str(public), "--algorithm", "HS256", environ=environment())
    assert again.code == 0
    assert [key.alg for key in read_keys(public)] == [Algorithm.HS256, Algorithm.EDDSA]
    refused = run_program("ticker", "access", "public", str(public), environ=environment())
    assert (refused.code, "no public part" in refused.err) == (2, True)


def test_pages_python_makes_a_valid_token(capsys: pytest.CaptureFixture[str]) -> None:
    make, _ = (example.text for example in examples(PAGE, "python"))
    exec(compile(make, str(PAGE), "exec"), {})
    secret = jwt.utils.base64url_encode(b"0123456789abcdef0123456789abcdef").decode()
    ring = KeyRing([Key(kid="2026-11", alg=Algorithm.HS256, kty="oct", k=secret)])
    assert ring.verify(capsys.readouterr().out.strip(), "desk")


def test_page_has_the_limits_and_codes_of_the_code(tmp_path: Path) -> None:
    (keys,) = examples(PAGE, "json")
    path = tmp_path / "public.json"
    path.write_text(keys.text, encoding="utf-8")
    KeyRing(read_keys(path))
    assert f"counts for {LEEWAY_S} s longer" in TEXT
    assert f"{TOKEN_MAX:,}\ncharacters" in TEXT
    assert f"`{SUBPROTOCOL_PREFIX}${{token}}`" in TEXT
    codes = {code for code in PROBLEMS if code.startswith("token")} | {"no-keys"}
    assert all(f"| {PROBLEMS[code].statuses[0]} | `{code}` |" in TEXT for code in codes)


def test_gateway_of_open_editions_never_loads_the_library() -> None:
    """It would take 30 ms of every start, and needs an extra of the package."""
    code = "import sys, ticker.gateway_process, ticker.system, ticker.cli; print('jwt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=WAIT_S)
    assert done.stdout.strip() == "False"
