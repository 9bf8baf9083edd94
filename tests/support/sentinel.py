"""A primary, a replica and three Sentinels."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import redis

from tests.support.servers import HOST, NOT_READY, ONE_TRY, RedisServer, ServerProcess, free_port
from tests.support.waiting import until
from ticker.store.server_binary import find_binary


class SentinelServer(ServerProcess):
    """A Sentinel that monitors `primary` and reports its death after about `down_after_ms`.

    `ping-period` keeps its default. A Sentinel polls the replica of a dead master once per second, and promotes no
    replica whose last reply is older than five ping periods. With a shorter period it would often find none.
    """

    PERIODS: Final = ("info-period", "ask-period", "publish-period")

    def __init__(self, dir: Path, primary: RedisServer, service: str, *, down_after_ms: int) -> None:  # noqa: A002
        super().__init__(dir)
        self.port = free_port()
        lines = [
            f"port {self.port}",
            f"bind {HOST}",
            f'dir "{dir}"',
            f"sentinel monitor {service} {HOST} {primary.port} 2",
            f"sentinel down-after-milliseconds {service} {down_after_ms}",
            f"sentinel failover-timeout {service} 2000",
        ]
        if primary.password is not None:
            lines.append(f"sentinel auth-pass {service} {primary.password}")
        (dir / "sentinel.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> Self:
        super().start()
        self.command("SENTINEL", "DEBUG", *(word for name in self.PERIODS for word in (name, 100)))
        return self

    def publish_every(self, milliseconds: int) -> None:
        """Set how often this Sentinel publishes its state. It tolerates a server in a wrong role for four periods.

        Use a short period while the Sentinels discover each other, and to demote an old master. Use a long one while a
        replica is promoted: the promoting Sentinel polls once per second, and the others would demote it again.
        """
        self.command("SENTINEL", "DEBUG", "publish-period", milliseconds)

    def _words(self) -> list[str]:
        return [str(find_binary(os.environ)), str(self.dir / "sentinel.conf"), "--sentinel"]

    def _client(self) -> redis.Redis:
        return redis.Redis(host=HOST, port=self.port, **ONE_TRY)


class SentinelTrio:
    """A primary, its replica, and three Sentinels. `primary` is the first server, even after a failover."""

    service: Final = "news"

    def __init__(self, dir: Path, *, password: str | None = None, down_after_ms: int = 300) -> None:  # noqa: A002
        self.primary = RedisServer(dir / "a", tcp=True, password=password)
        self.replica = RedisServer(
            dir / "b", tcp=True, password=password, options={"replicaof": f"{HOST} {self.primary.port}"}
        )
        self.servers = [self.primary, self.replica]
        self.sentinels = [
            SentinelServer(dir / f"s{number}", self.primary, self.service, down_after_ms=down_after_ms)
            for number in range(3)
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        credentials = "" if self.primary.password is None else f":{quote(self.primary.password, safe='')}@"
        return f"redis+sentinel://{credentials}{hosts}/{self.service}"

    def master_port(self) -> int:
        """Return the port of the master, according to the first running Sentinel."""
        sentinel = next(sentinel for sentinel in self.sentinels if sentinel.process is not None)
        _, port = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return int(port)

    def is_promoted(self) -> bool:
        """Return whether the Sentinels have promoted the replica after the primary's death."""
        is_promoted = self.master_port() == self.replica.port
        if is_promoted:
            for sentinel in self.sentinels:
                sentinel.publish_every(100)
        return is_promoted

    def fail_over(self) -> None:
        """Promote the replica while the primary runs. Wait until all Sentinels agree and the primary is demoted."""
        until(self._ask_for_failover, "every Sentinel reports the replica as master")
        for sentinel in self.sentinels:
            sentinel.publish_every(100)
        until(self._primary_is_replica, "the old primary is demoted")

    def __enter__(self) -> Self:
        try:
            for server in (self.primary, self.replica, *self.sentinels):
                server.start()
            until(self._agree, "the Sentinels know each other and a replica with a live link")
            for sentinel in self.sentinels:
                sentinel.publish_every(2000)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in (*self.sentinels, self.replica, self.primary):
            server.discard()

    def _ask_for_failover(self) -> bool:
        """Ask for a failover, unless one is under way. Return whether it is complete.

        A Sentinel gives up a failover that takes longer than its time-out, which happens on a busy machine.
        """
        if self.master_port() == self.primary.port:
            with suppress(redis.ResponseError):  # one is under way, or no replica has answered lately
                self.sentinels[0].command("SENTINEL", "FAILOVER", self.service)
        return self._replica_is_master()

    def _replica_is_master(self) -> bool:
        answers = [s.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service) for s in self.sentinels]
        return all(int(port) == self.replica.port for _, port in answers)

    def _primary_is_replica(self) -> bool:
        try:
            return bool(self.primary.command("ROLE")[0] == b"slave")
        except NOT_READY:
            return False  # a Sentinel closes all connections to a server that it demotes, including this one

    def _agree(self) -> bool:
        return all(self._is_informed(sentinel) for sentinel in self.sentinels)

    def _is_informed(self, sentinel: SentinelServer) -> bool:
        primary = sentinel.command("SENTINEL MASTERS")[self.service]
        replicas = sentinel.command("SENTINEL SLAVES", self.service)
        # A Sentinel only promotes a replica whose link to the master it knows to be up.
        linked = [replica for replica in replicas if replica["master-link-status"] == "ok"]
        return bool(primary["num-other-sentinels"] == 2 and len(linked) == 1)
