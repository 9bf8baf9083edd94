"""Each group of commands with each user, on the oldest Redis and on a new Valkey: everything else is denied."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

import pytest

from tests.support.guarded_server import ROLES, GuardedServer
from tests.support.servers import short_folder
from ticker.core.errors import SettingsError
from ticker.store.rights import RIGHTS, Part, Rights, acl_line, check_editor_name, editor_rights, password_rule

MAHA, OMAR, LENA, WIRE = "maha", "omar", "lena", "wire"
DESK, GATEWAY, RELAY, API, ADMIN = ROLES
EVERYBODY: Final = (MAHA, OMAR, LENA, WIRE, DESK, GATEWAY, RELAY, API, ADMIN)
ENTRY: Final = ("*", "submission", "x")

ATTEMPTS: Final[dict[str, tuple[str, set[str]]]] = {
    # inboxes
    "append to an inbox": ("XADD ticker:{en}:inbox:maha * submission x", {MAHA, DESK, API, ADMIN}),
    "append to another's inbox": ("XADD ticker:{en}:inbox:omar * submission x", {OMAR, DESK, ADMIN}),
    "append to one's inbox in another edition": (
        "XADD ticker:{ar}:inbox:maha * submission x",
        {MAHA, DESK, API, ADMIN},
    ),
    "append to one's inbox where one may not": ("XADD ticker:{ar}:inbox:omar * submission x", {DESK, ADMIN}),
    "append to an inbox whose name begins so": ("XADD ticker:{en}:inbox:maha2 * submission x", {DESK, ADMIN}),
    "read an inbox": ("XRANGE ticker:{en}:inbox:maha - +", {DESK, ADMIN}),
    "read an inbox with XREAD": ("XREAD STREAMS ticker:{en}:inbox:omar 0", {DESK, ADMIN}),
    "read one's receipts and another's inbox": (
        "XREAD STREAMS ticker:{en}:receipts:maha ticker:{en}:inbox:omar 0 0",
        {DESK, ADMIN},
    ),
    "delete from an inbox": ("XDEL ticker:{en}:inbox:maha 1-0", {DESK, ADMIN}),
    "trim an inbox": ("XTRIM ticker:{en}:inbox:maha MAXLEN 100", {DESK, ADMIN}),
    "delete an inbox": ("DEL ticker:{en}:inbox:nobody", {DESK, ADMIN}),
    "make a group on an inbox": ("XGROUP CREATE ticker:{en}:inbox:maha g 0", {ADMIN}),
    "tell about an inbox": ("XINFO STREAM ticker:{en}:inbox:maha", {ADMIN}),
    "let an inbox expire": ("EXPIRE ticker:{en}:inbox:maha 1000", {ADMIN}),
    # receipts
    "read receipts": ("XRANGE ticker:{en}:receipts:maha - +", {MAHA, LENA, DESK, API, ADMIN}),
    "read another's receipts": ("XREVRANGE ticker:{en}:receipts:omar + -", {OMAR, LENA, DESK, ADMIN}),
    "read receipts where one is no chief": ("XRANGE ticker:{ar}:receipts:maha - +", {MAHA, DESK, API, ADMIN}),
    "forge a receipt": ("XADD ticker:{en}:receipts:maha * receipt x", {DESK, ADMIN}),
    "delete a receipt": ("XDEL ticker:{en}:receipts:maha 1-0", {DESK, ADMIN}),
    "trim the receipts": ("XTRIM ticker:{en}:receipts:lena MAXLEN 100", {DESK, ADMIN}),
    # logs
    "read a log": ("XRANGE ticker:{en}:log - +", {MAHA, OMAR, LENA, DESK, GATEWAY, ADMIN}),
    "read a log of another edition": ("XRANGE ticker:{ar}:log - +", {MAHA, LENA, DESK, GATEWAY, ADMIN}),
    "read an old log": ("XRANGE ticker:{en}:log:abababababababab - +", {ADMIN}),
    "write a log": ("XADD ticker:{en}:log * entry x link y", {DESK, ADMIN}),
    "brick a log": ("XADD ticker:{en}:log 18446744073709551615-1 entry x link y", {DESK, ADMIN}),
    "erase a log by writing": ("XADD ticker:{ar}:log MAXLEN 0 * entry x link y", {DESK, ADMIN}),
    "trim a log": ("XTRIM ticker:{en}:log MAXLEN 0", {DESK, ADMIN}),
    "delete from a log": ("XDEL ticker:{en}:log 1-0", {DESK, ADMIN}),
    "delete a log": ("DEL ticker:{ar}:log", {DESK, ADMIN}),
    "unlink a log": ("UNLINK ticker:{ar}:log", {ADMIN}),
    "set a log aside": ("RENAME ticker:{en}:bell ticker:{en}:bell2", {ADMIN}),
    "copy a log": ("COPY ticker:{en}:log ticker:{en}:log2", {ADMIN}),
    "copy a log to an inbox": ("COPY ticker:{en}:log ticker:{en}:inbox:maha", {ADMIN}),
    "dump a log": ("DUMP ticker:{en}:log", {ADMIN}),
    "move a log's last id": ("XSETID ticker:{en}:log 99999-0", {ADMIN}),
    # the rest of an edition
    "read an edition": ("HMGET ticker:{en}:edition settings nonce", {*EVERYBODY} - {RELAY}),
    "read another edition": ("HMGET ticker:{ar}:edition settings nonce", {MAHA, LENA, DESK, GATEWAY, API, ADMIN}),
    "change an edition": ("HSET ticker:{en}:edition nonce x", {DESK, ADMIN}),
    "list the editions": ("SMEMBERS ticker:editions", {*EVERYBODY} - {RELAY, API}),
    "make an edition": ("SADD ticker:editions xx", {DESK, ADMIN}),
    "unmake an edition": ("SREM ticker:editions xx", {ADMIN}),
    "read cursors": ("HGETALL ticker:{en}:cursors", {LENA, DESK, ADMIN}),
    "read cursors where one is no chief": ("HGETALL ticker:{ar}:cursors", {DESK, ADMIN}),
    "move a cursor": ("HSET ticker:{en}:cursors maha 9-9", {DESK, ADMIN}),
    "read all that is held": ("HGETALL ticker:{en}:held", {MAHA, OMAR, LENA, DESK, API, ADMIN}),
    "read something that is held": ("HGET ticker:{en}:held maha", {MAHA, OMAR, LENA, DESK, ADMIN}),
    "read what is held in another edition": ("HGETALL ticker:{ar}:held", {MAHA, LENA, DESK, API, ADMIN}),
    "read what is held, some of it": ("HMGET ticker:{en}:held maha", {MAHA, OMAR, LENA, DESK, API, ADMIN}),
    "count what is held": ("HLEN ticker:{en}:held", {DESK, ADMIN}),
    "hold something": ("HSET ticker:{en}:held maha x", {DESK, ADMIN}),
    "take out what is held": ("HDEL ticker:{en}:held nothing", {DESK, ADMIN}),
    "throw away what is held": ("DEL ticker:{ar}:held", {DESK, ADMIN}),
    "look whether one is registered": ("HEXISTS ticker:{en}:editors maha", {MAHA, OMAR, LENA, WIRE, API, ADMIN}),
    "list who is registered": ("HKEYS ticker:{en}:editors", {ADMIN}),
    "read who has which role": ("HGETALL ticker:{en}:editors", {MAHA, OMAR, LENA, DESK, API, ADMIN}),
    "register": ("HSETNX ticker:{en}:editors maha x", {ADMIN}),
    "give oneself a role": ("HSET ticker:{en}:editors maha chief", {ADMIN}),
    "unregister": ("HDEL ticker:{en}:editors eve", {ADMIN}),
    "ring the bell": ("XADD ticker:{en}:bell * editor x", {ADMIN}),
    "read the bell": ("XREAD STREAMS ticker:{en}:bell 0-0", {DESK, GATEWAY, ADMIN}),
    "report reach": ("XADD ticker:{en}:reach * report x", {GATEWAY, ADMIN}),
    "read reach": ("XREVRANGE ticker:{en}:reach + -", {MAHA, OMAR, LENA, WIRE, ADMIN}),
    "report a verdict": ("XADD ticker:{en}:relays * verdict x", {RELAY, ADMIN}),
    "read verdicts": ("XREVRANGE ticker:{en}:relays + -", {MAHA, OMAR, LENA, WIRE, ADMIN}),
    # the reports of parts, for the status page
    "report a desk": ("XADD ticker:parts:desk * report x", {DESK, ADMIN}),
    "report a gateway": ("XADD ticker:parts:gateway * report x", {GATEWAY, ADMIN}),
    "report a posting part": ("XADD ticker:parts:api * report x", {API, ADMIN}),
    "report a relay": ("XADD ticker:parts:relay * report x", {RELAY, ADMIN}),
    "read the reports of desks": ("XREVRANGE ticker:parts:desk + -", {GATEWAY, ADMIN}),
    "read the reports of relays": ("XRANGE ticker:parts:relay - +", {GATEWAY, ADMIN}),
    # tokens of the posting part
    "read a token": ("HMGET ticker:tokens x", {API, ADMIN}),
    "make a token": ("HSET ticker:tokens x y", {ADMIN}),
    "revoke a token": ("HDEL ticker:tokens x", {ADMIN}),
    # other programs' keys
    "read somebody else's key": ("GET other", set()),
    "write somebody else's key": ("SET other x", set()),
    "write a key of ours that isn't one": ("SET ticker:x y", {ADMIN}),
    "write beyond the hash tag": ("XADD ticker:{en}:inbox:maha:x * a b", {DESK, ADMIN}),
    # the whole server
    "flush everything": ("FLUSHALL", set()),
    "flush the database": ("FLUSHDB", set()),
    "swap databases": ("SWAPDB 0 1", set()),
    "go to another database": ("SELECT 1", set()),
    "list all keys": ("KEYS *", set()),
    "walk all keys": ("SCAN 0", {ADMIN}),
    "run a script": ("EVAL return(1) 0", {DESK, ADMIN}),
    "run a script by its name": ("EVALSHA " + "0" * 40 + " 0", {DESK, ADMIN}),
    "load a script": ("SCRIPT LOAD return(1)", set()),
    "flush the scripts": ("SCRIPT FLUSH", set()),
    "call a function": ("FCALL f 0", set()),
    "load a function": ("FUNCTION LOAD x", set()),
    "read the configuration": ("CONFIG GET dir", {ADMIN}),
    "change the configuration": ("CONFIG SET maxmemory 1gb", set()),
    "make a user": ("ACL SETUSER eve off", {ADMIN}),
    "list users": ("ACL LIST", {ADMIN}),
    "read who was denied": ("ACL LOG", {ADMIN}),
    "list connections": ("CLIENT LIST", {ADMIN}),
    "cut a connection": ("CLIENT KILL USER nobody", {ADMIN}),
    "stop all clients": ("CLIENT PAUSE 1", set()),
    "make a server a replica": ("REPLICAOF no one", set()),
    "move a key away": ("MIGRATE 127.0.0.1 1 x 0 1", set()),
    "bring a key": ("RESTORE ticker:x 0 x", set()),
    "listen to all commands": ("MONITOR", set()),
    "read the slow log": ("SLOWLOG GET", set()),
    "debug": ("DEBUG SLEEP 0", set()),
    "save": ("SAVE", set()),
    "load a module": ("MODULE LOAD /tmp/x.so", set()),
    "shut down": ("SHUTDOWN NOSAVE", set()),
    "tell about the server": ("INFO", {ADMIN}),
    "publish": ("PUBLISH channel x", set()),
    "publish what replicas acknowledge": ("PUBLISH ticker:replicated x", {MAHA, OMAR, LENA, WIRE, API, ADMIN}),
    "wait for a replica": ("WAIT 0 1", {MAHA, OMAR, LENA, WIRE, API, ADMIN}),
    "subscribe": ("SUBSCRIBE channel", set()),
    "begin a transaction": ("MULTI", set()),
    "block on a list": ("BLPOP x 1", set()),
    "sort a key": ("SORT ticker:editions ALPHA", set()),
    "ask the time": ("TIME", {MAHA, OMAR, LENA, WIRE, DESK, API, ADMIN}),
    "name the connection": ("CLIENT SETNAME x", set(EVERYBODY)),
}


@pytest.mark.parametrize("user", EVERYBODY)
def test_a_user_may_do_what_is_meant_and_is_denied_everything_else(guarded: GuardedServer, user: str) -> None:
    outcomes = {what: guarded.try_as(user, *words.split()) for what, (words, _) in ATTEMPTS.items()}
    done = {what for what, outcome in outcomes.items() if outcome != "denied"}
    assert done == {what for what, (_, users) in ATTEMPTS.items() if user in users}


@pytest.mark.parametrize("user", EVERYBODY)
def test_of_all_the_servers_commands_a_user_may_use_only_the_named_ones(guarded: GuardedServer, user: str) -> None:
    rights = {
        MAHA: editor_rights(MAHA, ["en", "ar"]),
        OMAR: editor_rights(OMAR, ["en"]),
        LENA: editor_rights(LENA, ["en", "ar"], chief_of=["en"]),
        WIRE: editor_rights(WIRE, ["en"], reads_log=False),
        **{part.user: RIGHTS[part] for part in Part},
    }[user]
    found = runnable(guarded, user)
    if user == ADMIN:
        dangerous = {command.name for command in found if "@dangerous" in command.categories}
        meant = {"info", "config|get", "client|list", "client|kill"}
        assert dangerous == meant | {f"acl|{each}" for each in ("getuser", "setuser", "deluser", "list", "log", "save")}
        return
    named = {word.lstrip("+") for word in rights.rules if word.startswith("+")}
    assert {command.name for command in found if not command.name.startswith("command|")} == named


class Command(NamedTuple):
    name: str
    arity: int
    categories: frozenset[str]


def runnable(guarded: GuardedServer, user: str) -> list[Command]:
    """Return the commands and subcommands that the server allows a user to run on some keys."""
    commands = all_commands(guarded)
    with guarded._client() as client, client.pipeline(transaction=False) as pipe:
        for command in commands:
            words = command.name.split("|")
            padding = ["x"] * max(abs(command.arity) - len(words), 0)
            pipe.execute_command("ACL", "DRYRUN", user, *words, *padding)
        answers = pipe.execute()
    refused = b"no permissions to run"
    return [command for command, answer in zip(commands, answers, strict=True) if refused not in bytes(answer)]


NO_AUTH: Final = {"auth", "hello", "quit", "reset"}
"""Commands that need no rights and no login."""


def all_commands(guarded: GuardedServer) -> list[Command]:
    found: list[Command] = []
    with guarded._client() as client:
        client.response_callbacks.clear()
        for raw in client.execute_command("COMMAND"):
            command, subcommands = as_command(raw), raw[9]
            found += [as_command(each) for each in subcommands]
            if (not subcommands or command.name == "command") and command.name not in NO_AUTH:
                found.append(command)
    assert len(found) > 300
    return found


def as_command(raw: Any) -> Command:
    return Command(raw[0].decode(), raw[1], frozenset(category.decode() for category in raw[6]))


@pytest.mark.parametrize(
    ("key", "expected"),
    [("ticker:{en}:log", "done"), ("ticker:{en}:reach", "denied"), ("other", "denied")],
)
def test_a_script_gives_the_desk_no_further_rights(guarded: GuardedServer, key: str, expected: str) -> None:
    script = f"return redis.call('XRANGE', '{key}', '-', '+')"
    assert guarded.try_as(DESK, "EVAL", script, 1, key) == expected


def test_a_printed_line_lets_nobody_log_in(guarded: GuardedServer) -> None:
    for line in guarded.ticker("acl", "--editor", "eve").out.splitlines():
        words = line.split()
        assert words[:3] == ["user", words[1], "on"]
        assert not any(word.startswith((">", "#", "nopass")) for word in words), line


@pytest.mark.parametrize("redis70", [False, True], ids=["Valkey 9", "Redis 7.0"])
def test_the_printed_lines_create_the_same_users_from_an_aclfile(guarded: GuardedServer, redis70: bool) -> None:
    shown = guarded.ticker("acl", "--editor", "maha", "-e", "en", "-e", "ar").out
    hashed = hashlib.sha256(b"a long enough password").hexdigest()
    with short_folder() as folder:
        server = GuardedServer(folder / "r", redis70=redis70)
        (folder / "r" / "users.acl").write_text(shown.replace(" on ", f" on #{hashed} "), encoding="ascii")
        with server:
            server.passwords = dict.fromkeys((*ROLES, "maha"), "a long enough password")
            for user in (*ROLES, "maha"):
                assert server.try_as(user, "CLIENT", "SETNAME", "x") == "done"
                assert server.try_as(user, "FLUSHALL") == "denied"
            assert server.try_as("maha", "XADD", "ticker:{ar}:inbox:maha", *ENTRY) == "done"


# Rights as data


@pytest.mark.parametrize("role", list(Part))
def test_rights_replace_all_earlier_rights(role: Part) -> None:
    rules = RIGHTS[role].rules
    assert rules[:4] == ["clearselectors", "resetkeys", "resetchannels", "-@all"]
    assert not {"nopass", "allkeys", "~*", "%R~*", "+@all", "allcommands", "allchannels"} & set(rules)


@pytest.mark.parametrize("name", ["default", "ticker-desk", "ticker-anything", "", "Maha", "a b", "a*", "*", "x" * 33])
def test_a_name_of_another_user_or_a_pattern_is_rejected_for_an_editor(name: str) -> None:
    with pytest.raises(SettingsError):
        check_editor_name(name)
    with pytest.raises(SettingsError):
        editor_rights(name, ["en"])


@pytest.mark.parametrize("edition", ["*", "e?", "en}:inbox:omar", "[a-z]", "", "en\\"])
def test_an_edition_name_that_is_a_pattern_is_rejected(edition: str) -> None:
    with pytest.raises(SettingsError):
        editor_rights("maha", [edition])


def test_a_short_password_is_rejected_without_showing_it() -> None:
    with pytest.raises(SettingsError) as caught:
        password_rule("hunter2hunter2")
    assert "hunter2" not in str(caught.value)


def test_an_acl_line_begins_with_its_user() -> None:
    assert acl_line("maha", Rights(commands=("time",), reads=("a",), writes=("b",), both=("c",))).endswith(
        "+time %R~a %W~b ~c"
    )
