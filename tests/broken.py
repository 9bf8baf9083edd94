# ruff: noqa: E501 -- a table of what is taken out
"""Each protection, taken out once: the test that is named beside it has to fail.

    make broken                   all of them, on copies of the tree: some six minutes
    make broken ONLY=pong         those whose words have it

A protection whose line has changed since is told: then its line here needs the same change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
WITHIN_S: Final = 300
_LEFT_OUT: Final = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "node_modules")


class Protection(NamedTuple):
    """What is taken out (`old` becomes `new` in `file`), and what sees it: a schedule of faults, or words for pytest."""

    what: str
    file: str
    old: str
    new: str
    seen_by: str


_LUA = "ticker/store/append.lua"
_PLANNING = "ticker/desk/planning.py"
_CHANNEL = "ticker/gateway/channel.py"
_FOLLOWER = "ticker/gateway/follower.py"
_PROTOCOL = "ticker/gateway/protocol.py"
_HUB = "ticker/gateway/hub.py"
_ADMISSION = "ticker/gateway/admission.py"
_ACCESS = "ticker/store/access.py"
_DEGRADED = "tests/faults/test_degraded.py"
_LIMITS = "tests/gateway/test_limits.py"
_FLOODS = "tests/hostile/test_floods.py"
_INBOXES = "tests/hostile/test_inboxes.py"
_CONVERSATIONS = "tests/hostile/test_conversations.py"
_SMUGGLING = "tests/hostile/test_smuggling.py"
_RIGHTS = "tests/access/test_rights.py"
_USERS = "tests/access/test_users.py"

PROTECTIONS: Final = (
    # exactly once
    Protection("the script's look at the cursor", _LUA, "if id ~= '' and (redis.call('HGET', cursors, editor) or '0-0') ~= cursor then", "if false then", "tests/store/test_append.py"),
    Protection("moving the cursor in the script", _LUA, "    redis.call('HSET', cursors, editor, id)\n", "", "tests/store/test_append.py"),
    Protection("the script's look at the head", _LUA, "if seq ~= '' and not is_head() then", "if false then", "tests/store/test_append.py"),
    Protection("the script's look at what is held", _LUA, "if held ~= '' and (redis.call('HGET', all_held, held) or '') ~= held_before then", "if false then", "tests/store/test_append.py -k held"),
    Protection("the script's look at an embargo", _LUA, "if not_before ~= '' and now < tonumber(not_before) then", "if false then", "tests/store/test_append.py -k held"),
    Protection("the script's look at the deadline", _LUA, "if (entry ~= '' or held_after ~= '') and deadline ~= '' and now > tonumber(deadline) then", "if false then", f"{_DEGRADED} -k stalled"),
    Protection("the desk's look at the deadline", _PLANNING, "if self._ledger.redis_ms > until:", "if False:", f"{_DEGRADED} -k without_a_desk"),
    Protection("until_ms of a submission", _PLANNING, "if request.until_ms is not None:", "if False:", f"{_DEGRADED} -k stalled"),
    Protection("telling one late receipt from another", "ticker/store/inbox.py", "if stored.receipt.status is not Outcome.LATE or stored.submission == submission:", "if True:", f"{_DEGRADED} -k second_try"),
    Protection("the answers to keys", _PLANNING, "if answer is None or (answer.late_ms", "if True or (answer.late_ms", "schedule nothing"),
    Protection("tick's look for the answer to a key", "publisher_cli/publishing.py", "if stored is None and self._may_repeat:", "if False:", "tests/cli/test_not_on_air.py -k told_so_without_a_desk"),
    # histories
    Protection("the check of links", "ticker/core/entry.py", "if previous is not None and next_link(previous, data) != link:", "if False:", f"{_DEGRADED} -k forged"),
    Protection("the gateway's look whether its log is there", "ticker/gateway/feed.py", "                await self._check_still_there(channel, stored, redis)", "                pass", "tests/gateway/test_histories.py"),
    Protection("masking what was taken back", _CHANNEL, "            self._take_back(earlier, line.status)", "            pass", "schedule nothing"),
    Protection("comparing a position's mark", "ticker/core/log.py", "if link[:MARK_DIGITS] == position.mark else", "if True else", "tests/core/test_log.py"),
    Protection("refusing a position past the head", "ticker/core/log.py", "            return Reset.REPLACED\n        if position.seq < self._base:", "            return self.head\n        if position.seq < self._base:", "schedule restored-copy"),
    Protection("turning away who has seen more than can be read", _CHANNEL, "            self._turn_away(follower)", "            self._admit(follower)", "tests/gateway/test_histories.py -k takes_nothing_back"),
    Protection("marking the followers of a log that was replaced", _CHANNEL, "follower.cursor, follower.sent = why, 0", "pass", "schedule flush"),
    Protection("telling a trimmed log from a replaced one", "ticker/gateway/feed.py", "is_trimmed = seen is Reset.TRIMMED and", "is_trimmed = False and", "tests/gateway/test_histories.py -k trimmed_past"),
    Protection("a follower's cursor", _FOLLOWER, "        self.cursor = piece.until\n        if piece.data:", "        self.cursor = piece.until - 1\n        if piece.data:", "tests/gateway/test_slow_readers.py"),
    Protection("ending a Cluster client's connections", "ticker/store/connections.py", "return _Cluster(", "return redis.asyncio.RedisCluster(", "schedule fail-over-in-a-cluster"),
    # readers
    Protection("the bound on a piece", "ticker/gateway/view.py", "if frames and size + len(frame) > bytes_max:", "if False:", "tests/gateway/test_slow_readers.py"),
    Protection("the time to acknowledge", "ticker/gateway/server.py", "listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)", "pass", "tests/gateway/test_slow_readers.py -k kernel"),
    Protection("the bound on frames", _FOLLOWER, "if parser.frames > FRAMES_MAX:", "if False:", "tests/gateway/test_frames.py -k pongs"),
    Protection("the bound on pipelined requests", _PROTOCOL, "if len(self.pipeline) >= PIPELINED_MAX:", "if False:", f"{_LIMITS} -k pipelined"),
    Protection("the time to take an answer", _HUB, "            self._cut_off_stalled(loop.time())", "            pass", f"{_LIMITS} -k does_not_take"),
    Protection("the bound on answers that wait", _HUB, "if self._unread_bytes <= self.settings.unread_bytes:", "if True:", f"{_LIMITS} -k slowest"),
    Protection("no upgrade before the answer is read", _PROTOCOL, " or self.flow.write_paused:", ":", f"{_LIMITS} -k last_answer"),
    Protection("a request a turn of the loop", "ticker/gateway/app.py", "await self._turn.acquire()", "return await self._app(scope, receive, send)", "tests/gateway/test_http.py -k turn_of_the_loop"),
    Protection("the longest offer that is read", "ticker/gateway/framing.py", "if len(offered) > OFFER_LONGEST:", "if False:", "tests/gateway/test_compression.py"),
    Protection("counting IPv6 by network", _ADMISSION, "SITE_BITS: Final = 64", "SITE_BITS: Final = 128", f"{_LIMITS} -k ipv6"),
    Protection("half of the handshakes for others", _ADMISSION, "if most and self._tokens < self._rate / 2", "if False and self._tokens < self._rate / 2", "tests/gateway/test_admission.py -k greedy or leaves_half"),
    Protection("the origins of followers", "ticker/gateway/handshake.py", "    raise Refusal(403, \"origin\"", "    return origins[0]\n    raise Refusal(403, \"origin\"", f"{_SMUGGLING} -k another_origin"),
    Protection("the origins of plain requests", "ticker/gateway/app.py", "origin = handshake.check_origin(channel.edition, handshake.Headers(request.headers.raw))", "origin = None", f"{_SMUGGLING} -k another_origin"),
    Protection("dropping an earlier answer behind a refusal", _PROTOCOL, "            self._answering.disconnected = True", "            pass", _CONVERSATIONS),
    Protection("reading nothing behind a hand-over", _PROTOCOL, "    def on_message_begin(self) -> None:\n        if self._taken:", "    def on_message_begin(self) -> None:\n        if False:", f"{_CONVERSATIONS} {_SMUGGLING}"),
    Protection("garbage in our own words", _PROTOCOL, "    def send_400_response(", "    def _unused(", _CONVERSATIONS),
    Protection("no upgrade behind a stream of events", _PROTOCOL, "        if self._taken:  # pipelined behind a stream", "        if False:  # pipelined behind a stream", f"{_SMUGGLING} {_CONVERSATIONS}"),
    Protection("connections by address", _HUB, "if most and self._visitors[counted] >= most", "if False and self._visitors[counted] >= most", f"{_FLOODS} -k say_nothing"),
    Protection("cutting off who is silent", _HUB, "            self._cut_off_silent(loop.time())", "            pass", f"{_FLOODS} -k never_ends"),
    Protection("the bound on views", _HUB, ">= self.settings.views:", ">= 10**9:", f"{_FLOODS} -k selections"),
    Protection("followers by address", _ADMISSION, "if self._per_address_max and self._per_address[address]", "if False and self._per_address[address]", f"{_FLOODS} -k one_address_gets_its"),
    Protection("the bound on followers", _ADMISSION, "if self.followers >= self.followers_max:", "if False:", f"{_FLOODS} -k fill_the_gateway"),
    # editors
    Protection("the bound on an inbox", "ticker/desk/edition.py", "        await self._bound_inboxes(redis)\n        self._looked_at", "        self._looked_at", f"{_INBOXES} -k bounded"),
    Protection("turns", "ticker/desk/edition.py", "TURN: Final = 16", "TURN: Final = 4096", f"{_INBOXES} -k flood_without_end"),
    Protection("the bound on a submission", "ticker/core/submission.py", "if len(data) > bytes_max:", "if False:", f"{_INBOXES} -k combining"),
    # rights
    Protection("an inbox of one's own", _ACCESS, "writes=tuple(each.inbox(name) for each in keys)", "writes=tuple(each.inbox('*') for each in keys)", f"{_RIGHTS} -k meant"),
    Protection("a gateway that only reads logs", _ACCESS, "writes=(f\"{_ANY}reach\",)", "writes=(f\"{_ANY}reach\", f\"{_ANY}log\")", f"{_RIGHTS} -k meant"),
    Protection("--post-only without logs", _ACCESS, "        if reads_log:\n", "        if True:\n", f"{_RIGHTS} -k meant"),
    Protection("rights that begin with nothing", _ACCESS, "return [*_NOTHING, *signed", "return [*signed", f"{_USERS} -k removed_from_one"),
    Protection("a new password ends the old one", _ACCESS, "[\"resetpass\", password_rule(password)]", "[password_rule(password)]", f"{_USERS} -k new_password_ends"),
    Protection("removing the user", _ACCESS, "                await _ask(command, *off)\n                await _ask(command, \"CLIENT\", \"KILL\", \"USER\", user)\n                await _ask(command, \"ACL\", \"DELUSER\", user)", "                pass", f"{_USERS} -k cut_off"),
    Protection("default is no editor", _ACCESS, "if name == \"default\" or name.startswith(PREFIX):", "if name.startswith(PREFIX):", f"{_RIGHTS} -k another_user"),
    Protection("users on replicas, too", _ACCESS, "for each in (client, *replicas)", "for each in (client,)", f"{_USERS} -k behind_sentinel"),
    Protection("a client that tries only what it may", "ticker/store/inbox.py", "    if await cast(\"Awaitable[Any]\", redis.hexists(keys.editors, editor)):\n        return False\n", "", "tests/access/test_system.py -k denied_nothing"),
    Protection("a URL without its password", "ticker/store/connections.py", "credentials = \"***@\" if match[\"credentials\"] else \"\"", "credentials = match[\"credentials\"] or \"\"", "tests/access/test_system.py -k no_password"),
)  # fmt: skip


def main(words: Sequence[str]) -> int:
    chosen = [each for each in PROTECTIONS if all(word in each.what for word in words)]
    unseen = []
    for each in chosen:
        told = _try(each)
        print(f"{told}  {each.what}  ({each.seen_by})", flush=True)  # noqa: T201 -- a script
        unseen += [each] if told != "seen  " else []
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} were seen")  # noqa: T201
    return 1 if unseen else 0


def _try(one: Protection) -> str:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        file = copy / one.file
        text = file.read_text(encoding="utf-8")
        if text.count(one.old) != 1:
            return "STALE "
        file.write_text(text.replace(one.old, one.new), encoding="utf-8")
        kind, _, rest = one.seen_by.partition(" ")
        tests = ["-m", "tests.faults", "--only", rest] if kind == "schedule" else ["-m", "pytest", *_words(one.seen_by)]
        environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            ran = subprocess.run(
                [sys.executable, *tests], cwd=copy, env=environ, capture_output=True, timeout=WITHIN_S, check=False
            )
        except subprocess.TimeoutExpired:
            return "seen  "  # it waits for what never comes
    # pytest: 1 is a test that failed; more than that, none was found or run.
    return "seen  " if ran.returncode == 1 else f"UNSEEN {ran.stdout.decode()[-600:]}"


def _words(text: str) -> list[str]:
    files, found, expression = text.partition(" -k ")
    return ["-x", "-q", "-p", "no:cacheprovider", *files.split(), *(["-k", expression] if found else [])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
