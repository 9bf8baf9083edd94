"""Schemathesis sends generated requests to a real gateway, and checks each answer against the OpenAPI document."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.summary import count_properties
from ticker.core.line import Change

EXAMPLES = 5
"""Number of generated requests per operation. schemathesis adds requests for the limits of each parameter."""
SETTINGS = """
max-stream-events = 2
request-timeout = 20.0

[checks]
# oEmbed demands 501 for a format that isn't available.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]

# The vocabulary is the edition's own, so the document doesn't name it.
[parameters]
"query.section" = "environment"
"query.region" = "europe"

# Some parameters can't be used together, and a WebSocket needs an upgrade: OpenAPI can say neither.
[[operations]]
include-operation-id = ["listLines", "followSocket"]
checks.positive_data_acceptance.enabled = false
"""


async def test_generated_requests_get_the_answers_that_are_described(
    log: LogWriter, start: Start, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    line = await log.post("Storm Ada makes landfall near Port Selby", section="environment", id="k7m2x9ab3c")
    await log.change(line, Change.CORRECT, text="Storm Ada makes landfall near Port Amery", correction="Amery")
    await log.withdraw(await log.post("A line"))
    # schemathesis opens a connection per case, and several at the same time.
    gateway = await start(followers_per_address=0, handshakes_per_s=0)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", f"{gateway.address}/v1/openapi.json"),
        *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out = (await process.communicate())[0].decode()
    assert process.returncode == 0, out[-20_000:]
    found = re.search(r"(\d+) generated, (\d+) passed", out)
    assert found is not None, out[-3000:]
    assert int(found[1]) > 200
    request.node.user_properties += count_properties({"requests fuzzed by schemathesis": int(found[1])})
