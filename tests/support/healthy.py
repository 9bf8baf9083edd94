"""Facts of a system without findings, for tests of `ticker doctor` that change one of them."""

from __future__ import annotations

from typing import Final

from ticker.doctor.machine_findings import MachineFacts
from ticker.doctor.part_findings import PartFacts
from ticker.doctor.redis_facts import ReplicaFacts, ServerFacts, Settings, Software, Topology
from ticker.doctor.site_findings import End, LinkFacts, SiteFacts
from ticker.doctor.tls_findings import TlsFacts

SETTINGS: Final = Settings(
    append_only=True,
    append_fsync="always",
    eviction="noeviction",
    value_bytes_max=2**20,
    query_buffer_bytes_max=4 * 2**20,
)
REPLICA: Final = ReplicaFacts(
    name="replica.example:6379",
    version="9.1.2",
    is_linked=True,
    is_writable=False,
    clock_s=0.001,
    settings=SETTINGS,
)
SERVER: Final = ServerFacts(
    software=Software.VALKEY,
    version="9.1.2",
    topology=Topology.SENTINEL,
    cluster_enabled=False,
    is_replica=False,
    settings=SETTINGS,
    append_works=True,
    rewrite_works=True,
    memory_limit_bytes=2**30,
    memory_bytes=2**20,
    replicas=1,
    replicas_to_write=0,
    sentinels=3,
    has_quorum=True,
    tcp_port=6379,
    tls_port=0,
    default_user_open=False,
    users=4,
    has_acl_file=True,
    clock_s=-0.001,
    replica_facts=(REPLICA,),
)
MACHINE: Final = MachineFacts(
    followers=18_000,
    has_redis=True,
    files=20_000,
    files_per_process=2**20,
    files_in_all=2**20,
    backlog=4096,
    syn_backlog=4096,
    syn_cookies=True,
    ports=28_232,
    tcp_bytes=2**31,
    tracked_connections=262_144,
    overcommit=1,
    huge_pages="madvise",
    is_clock_synchronized=True,
)
PART: Final = PartFacts(url="http://127.0.0.1:8080", version="0.1.0", followers=100, followers_max=18_000, clock_s=0.2)
TLS: Final = TlsFacts(server="news.example:443", days_left=60.0, versions=("TLSv1.2", "TLSv1.3"))
LIVE: Final = LinkFacts(status=101, board_s=0.05, end=End.HEARTBEAT, silence_s=25.0)
EVENTS: Final = LinkFacts(status=200, board_s=0.05, end=End.HEARTBEAT, silence_s=25.0)
SITE: Final = SiteFacts(
    url="https://news.example",
    heartbeat_s=25,
    has_http2=True,
    via="proxy",
    address="203.0.113.5",
    believes_forged=False,
    scheme="https",
    host="news.example",
    live=LIVE,
    events=EVENTS,
)
