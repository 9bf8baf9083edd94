"""`ticker editor` and `ticker acl apply` create, change and remove users, and show their passwords once."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from tests.support.cluster import Cluster
from tests.support.guarded_server import PUBLIC, GuardedServer, fill, run_ticker
from tests.support.prefork import SCRIPTS
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer
from tests.support.system import Ran, System, environment, run_program
from tests.support.waiting import until
from ticker.core.edition import Role

PASSWORD = "correct horse battery staple"
KINDS = {"en": "false", "rehearsal": "true"}


@pytest.fixture
def server(folder: Path) -> Iterator[GuardedServer]:
    with GuardedServer(folder / "r") as running:
        fill(running, ("en", "ar"))
        yield running


def users_of(server: RedisServer) -> list[str]:
    return [line.decode().split()[1] for line in server.command("ACL", "LIST")]


def submit(server: GuardedServer, editor: str, edition: str = "en") -> str:
    return server.try_as(editor, "XADD", f"ticker:{{{edition}}}:inbox:{editor}", "*", "submission", "x")


def can_log_in(server: GuardedServer, user: str, password: str) -> bool:
    server.passwords[user] = password
    try:
        return server.try_as(user, "CLIENT", "SETNAME", "x") == "done"
    except redis.AuthenticationError:
        return False


def test_a_new_editor_is_registered_and_its_password_is_shown_once(server: GuardedServer) -> None:
    ran = server.ticker("editor", "add", "maha", "-e", "en")
    first, second = ran.out.splitlines()
    word, password, *_ = second.split()
    assert (first, word) == ("maha  may post to en (editor)", "password")
    assert len(password) >= 32
    assert can_log_in(server, "maha", password)
    assert submit(server, "maha") == "done"
    assert server.command("HKEYS", "ticker:{en}:editors") == [b"maha"]
    again = server.ticker("editor", "add", "maha", "-e", "en")
    assert again.code == 0
    assert "password" not in again.out + again.err
    assert can_log_in(server, "maha", password)


def test_adding_an_edition_keeps_the_earlier_ones(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en")
    assert submit(server, "maha", "ar") == "denied"
    server.add_editor("maha", "-e", "ar")
    assert [submit(server, "maha", edition) for edition in ("en", "ar")] == ["done", "done"]


def reads_receipts_of(server: GuardedServer, user: str, editor: str, edition: str = "en") -> bool:
    return server.try_as(user, "XRANGE", f"ticker:{{{edition}}}:receipts:{editor}", "-", "+") == "done"


def test_a_role_is_given_shown_kept_and_changed(server: GuardedServer) -> None:
    ran = server.ticker("editor", "add", "maha", "-e", "en", "-e", "ar", "--role", "reporter")
    assert ran.out.startswith("maha  may post to en (reporter), ar (reporter)\n")
    server.add_editor("maha", "-e", "en", "--role", "chief")
    server.add_editor("maha", "-e", "ar")
    server.add_editor("omar", "-e", "en")
    assert server.ticker("editor", "list").out.splitlines() == [
        "en  maha (chief), omar (editor)",
        "ar  maha (reporter)",
    ]
    assert server.command("HGETALL", "ticker:{en}:editors") == {b"maha": b"chief", b"omar": b""}


def test_a_chief_reads_everybodys_receipts_only_in_its_editions_and_only_while_it_is_one(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en", "-e", "ar")
    assert not reads_receipts_of(server, "maha", "omar")
    server.add_editor("maha", "-e", "en", "--role", "chief")
    assert reads_receipts_of(server, "maha", "omar")
    assert not reads_receipts_of(server, "maha", "omar", "ar")
    assert server.ticker("editor", "remove", "maha", "-e", "ar").code == 0
    assert reads_receipts_of(server, "maha", "omar")
    server.add_editor("maha", "-e", "en", "--role", "editor")
    assert not reads_receipts_of(server, "maha", "omar")
    assert reads_receipts_of(server, "maha", "maha")


def test_editors_who_are_chiefs_by_default_get_the_rights_of_chiefs(server: GuardedServer) -> None:
    fill(server, ("es",), msgspec.structs.replace(PUBLIC, role=Role.CHIEF))
    server.add_editor("maha", "-e", "es")
    assert reads_receipts_of(server, "maha", "omar", "es")


def test_removing_an_editor_removes_the_role(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en", "--role", "chief")
    assert server.ticker("editor", "remove", "maha").code == 0
    server.add_editor("maha", "-e", "en")
    assert server.ticker("editor", "list", "-e", "en").out == "en  maha (editor)\n"
    assert not reads_receipts_of(server, "maha", "omar")


@pytest.mark.parametrize(("first", "second"), [("en", "rehearsal"), ("rehearsal", "en")])
@pytest.mark.parametrize("options", [(), ("--no-user",)])
def test_an_editor_can_not_be_added_to_test_and_public_editions(
    server: GuardedServer, first: str, second: str, options: tuple[str, ...]
) -> None:
    fill(server, ("rehearsal",), msgspec.structs.replace(PUBLIC, test=True))
    assert server.ticker("editor", "add", "maha", "-e", first, *options).code == 0
    before = server.command("ACL", "LIST")
    ran = server.ticker("editor", "add", "maha", "-e", second, *options)
    assert ran.code == 2
    assert "maha can't be an editor of test editions (rehearsal) and of public ones (en)" in ran.err
    assert "maha-test" in ran.err
    assert server.command("ACL", "LIST") == before
    assert server.command("HEXISTS", f"ticker:{{{second}}}:editors", "maha") == 0
    assert server.ticker("editor", "add", "maha-test", "-e", second, *options).code == 0


def test_no_acl_line_is_for_test_and_public_editions(server: GuardedServer, tmp_path: Path) -> None:
    settings = tmp_path / "ticker.toml"
    tables = [
        f'[editions.{name}]\ntitle = "x"\nlang = "en"\ndir = "ltr"\ntest = {test}\n' for name, test in KINDS.items()
    ]
    settings.write_text("".join(tables), encoding="utf-8")
    words = ("acl", "--settings", str(settings), "--editor", "maha", "-e", "rehearsal")
    assert server.ticker(*words).code == 0
    ran = server.ticker(*words, "-e", "en")
    assert ran.code == 2
    assert "rehearsal and the others can't share an editor" in ran.err


def test_a_post_only_program_never_gets_access_to_the_log(server: GuardedServer) -> None:
    server.add_editor("wire", "-e", "en", "--post-only")
    server.add_editor("wire", "-e", "ar")
    assert submit(server, "wire", "ar") == "done"
    for edition in ("en", "ar"):
        assert server.try_as("wire", "XRANGE", f"ticker:{{{edition}}}:log", "-", "+") == "denied"


def test_a_new_password_ends_the_old_one(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en")
    old = server.passwords["maha"]
    server.add_editor("maha", "-e", "en", "--new-password")
    assert server.passwords["maha"] != old
    assert submit(server, "maha") == "done"
    assert not can_log_in(server, "maha", old)


@pytest.mark.parametrize("way", ["variable", "file"])
def test_a_password_may_come_from_the_environment_or_a_file(server: GuardedServer, tmp_path: Path, way: str) -> None:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    given = {"TICKER_EDITOR_PASSWORD": PASSWORD} if way == "variable" else {"TICKER_EDITOR_PASSWORD_FILE": str(path)}
    ran = server.ticker("editor", "add", "maha", "-e", "en", **given)
    assert ran.code == 0
    assert PASSWORD not in ran.out + ran.err
    assert can_log_in(server, "maha", PASSWORD)


def test_a_typed_password_is_not_shown(server: GuardedServer) -> None:
    shown = type_at_prompts([PASSWORD, PASSWORD], "editor", "add", "maha", "-e", "en", "--ask", url=server.url)
    assert "Password" in shown
    assert PASSWORD not in shown
    assert can_log_in(server, "maha", PASSWORD)


def type_at_prompts(typed: list[str], *words: str, url: str) -> str:
    """Run `ticker` on a new terminal, and answer each prompt. Return what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [SCRIPTS / "ticker", *words],
        env=environment(TICKER_REDIS_URL=url, NO_COLOR="1"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 -- getpass opens the terminal
    )
    os.close(theirs)
    shown = ""
    with open(ours, "r+b", buffering=0) as terminal:  # noqa: PTH123 -- a descriptor, not a path
        while True:
            try:
                data = terminal.read(1024)
            except OSError:  # Linux: the other end is closed
                break
            if not data:
                break
            shown += data.decode()
            if typed and shown.count(":") > 2 - len(typed) and shown.rstrip(" ").endswith(":"):
                terminal.write(f"{typed.pop(0)}\n".encode())
    assert process.wait(60) == 0, shown
    return shown


def test_ask_needs_a_terminal(server: GuardedServer) -> None:
    ran = server.ticker("editor", "add", "maha", "-e", "en", "--ask")
    assert ran.code == 2
    assert "--ask needs a terminal" in ran.err
    assert users_of(server) == ["default"]


def test_no_option_accepts_a_password() -> None:
    for words in (["editor", "add"], ["acl", "apply"], ["editor", "remove"]):
        text = run_program("ticker", *words, "--help", environ=environment()).out
        options = [word for word in text.split() if word.startswith("--") and "password" in word]
        assert set(options) <= {"--new-password"}


def test_a_short_password_creates_no_user_and_is_not_shown(server: GuardedServer) -> None:
    ran = server.ticker("editor", "add", "maha", "-e", "en", "--debug", TICKER_EDITOR_PASSWORD="hunter2")
    assert ran.code == 2
    assert "7 characters: use at least 16" in ran.err
    assert "hunter2" not in ran.err + ran.out
    assert users_of(server) == ["default"]


def test_a_removed_editor_is_cut_off_and_its_inbox_is_deleted(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en", "-e", "ar")
    submit(server, "maha")
    with server.client("maha") as connected:
        connected.execute_command("CLIENT", "SETNAME", "connected")
        ran = server.ticker("editor", "remove", "maha", "--json")
        assert ran.json == {"editor": "maha", "removed": ["en", "ar"], "held": {"en": 0, "ar": 0}, "tokens": []}
        assert "connected" not in str(server.command("CLIENT", "LIST"))
    assert users_of(server) == ["default"]
    assert server.command("EXISTS", "ticker:{en}:inbox:maha") == 0
    assert server.command("EXISTS", "ticker:{en}:editors") == 0
    with pytest.raises(redis.AuthenticationError):
        submit(server, "maha")


def test_an_editor_removed_from_one_edition_stays_in_the_other(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en", "-e", "ar")
    assert server.ticker("editor", "remove", "maha", "-e", "ar").code == 0
    assert [submit(server, "maha", edition) for edition in ("en", "ar")] == ["done", "denied"]
    assert server.ticker("editor", "list", "--json").json == {
        "editions": {"ar": {}, "en": {"maha": "editor"}},
        "users": [{"name": "maha", "editions": ["en"], "reads_log": True}],
    }


def test_removing_an_unknown_editor_is_refused(server: GuardedServer) -> None:
    ran = server.ticker("editor", "remove", "nobody")
    assert ran.code == 1
    assert "is no editor of en, ar" in ran.err


@pytest.mark.parametrize("name", ["default", "ticker-desk"])
def test_a_user_of_the_system_never_becomes_an_editor(server: GuardedServer, name: str) -> None:
    server.add_part_users()
    before = server.command("ACL", "LIST")
    ran = server.ticker("editor", "add", name, "-e", "en")
    assert ran.code == 2
    assert server.command("ACL", "LIST") == before


@pytest.mark.parametrize("command", ["add", "remove"])
def test_the_user_of_another_program_is_never_changed(server: GuardedServer, command: str) -> None:
    server.command("ACL", "SETUSER", "billing", "on", ">x", "~invoices:*", "+@all")
    before = server.command("ACL", "LIST")
    ran = server.ticker("editor", command, "billing", "-e", "en")
    assert ran.code == 1
    assert "isn't an editor's" in ran.err
    assert server.command("ACL", "LIST") == before


def test_users_survive_a_restart_if_the_server_has_an_aclfile(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en")
    server.add_part_users()
    server.kill()
    server.start()
    assert submit(server, "maha") == "done"
    assert server.try_as("ticker-gateway", "SMEMBERS", "ticker:editions") == "done"


def test_a_server_without_an_aclfile_gets_a_warning(tcp_server: RedisServer) -> None:
    fill(tcp_server, ("en",))
    for words in (["editor", "add", "maha", "-e", "en"], ["acl", "apply"]):
        ran = run_ticker(*words, TICKER_REDIS_URL=tcp_server.url)
        assert ran.code == 0
        assert "has no `aclfile`" in ran.err


def test_the_embedded_server_has_no_users_and_needs_none(folder: Path) -> None:
    with System(folder) as system:
        ran = system.ticker("editor", "add", "maha", "-e", "en", "--json")
        assert ran.json == {"editor": "maha", "editions": ["en"], "roles": {"en": "editor"}, "user": False}
        assert system.ticker("editor", "add", "maha", "-e", "en", "--role", "chief").code == 0
        assert system.ticker("editor", "add", "maha", "-e", "en").code == 0
        assert system.ticker("editor", "list", "--json").json["editions"]["en"] == {"maha": "chief"}
        assert system.ticker("editor", "remove", "maha").code == 0


def test_a_user_without_the_right_to_manage_users_is_told_so(server: GuardedServer) -> None:
    server.add_editor("maha", "-e", "en")
    server.add_part_users()
    for words in (["editor", "add", "eve", "-e", "en"], ["editor", "remove", "maha"], ["acl", "apply"]):
        ran = server.ticker(*words, user="ticker-desk")
        assert ran.code == 1
        assert "use a Redis user with that right, like ticker-admin" in ran.err
    ran = server.ticker("editor", "list", user="ticker-desk")
    assert "this Redis user may not list the editors' users" in ran.err


def test_the_admin_can_manage_users(server: GuardedServer) -> None:
    server.add_part_users()
    server.add_editor("maha", "-e", "en", user="ticker-admin")
    assert submit(server, "maha") == "done"
    assert server.ticker("acl", "apply", user="ticker-admin").code == 0
    assert server.ticker("editor", "list", "--json", user="ticker-admin").json["users"][0]["name"] == "maha"
    assert server.ticker("editor", "remove", "maha", user="ticker-admin").code == 0
    checked = server.ticker("doctor", "redis", "--json", user="ticker-admin").json
    assert {"unknown", "rights"}.isdisjoint(finding["code"] for finding in checked["findings"])


def test_rights_that_were_added_by_others_are_removed(server: GuardedServer) -> None:
    server.add_part_users()
    server.command("ACL", "SETUSER", "ticker-gateway", "~*", "+@all", "(+@all ~*)", "&*")
    server.add_part_users()
    assert server.try_as("ticker-gateway", "FLUSHALL") == "denied"
    assert server.try_as("ticker-gateway", "GET", "other") == "denied"


def test_behind_sentinel_the_replica_gets_the_users_too(sentinel_trio: SentinelTrio) -> None:
    fill(sentinel_trio.primary, ("en",))
    url = sentinel_trio.url
    until(lambda: bool(sentinel_trio.replica.command("EXISTS", "ticker:editions")), "the replica has the edition")
    assert run_ticker("acl", "apply", "--json", TICKER_REDIS_URL=url).json["servers"] == 2
    assert run_ticker("editor", "add", "maha", "-e", "en", TICKER_REDIS_URL=url).code == 0
    expected = ["default", "maha", "ticker-desk", "ticker-gateway"]
    for server in (sentinel_trio.primary, sentinel_trio.replica):
        assert sorted(users_of(server)) == expected
    assert run_ticker("editor", "remove", "maha", TICKER_REDIS_URL=url).code == 0
    assert "maha" not in users_of(sentinel_trio.replica)


def test_in_a_cluster_every_node_gets_the_users(redis_cluster: Cluster) -> None:

    def ticker(*words: str) -> Ran:
        ran = run_ticker(*words, TICKER_REDIS_URL=redis_cluster.url)
        assert ran.code == 0, ran
        return ran

    with redis.RedisCluster(host="127.0.0.1", port=redis_cluster.nodes[0].port) as client:
        client.sadd("ticker:editions", "en")
    try:
        assert ticker("acl", "apply", "--json").json["servers"] == 3
        ticker("editor", "add", "maha", "-e", "en")
        for node in redis_cluster.nodes:
            assert sorted(users_of(node)) == ["default", "maha", "ticker-desk", "ticker-gateway"]
        ticker("editor", "remove", "maha")
        assert [users_of(node).count("maha") for node in redis_cluster.nodes] == [0, 0, 0]
    finally:  # the nodes are shared with other tests
        for node in redis_cluster.nodes:
            node.command("ACL", "DELUSER", "maha", "ticker-desk", "ticker-gateway")
