"""How long connections to Redis wait."""

from __future__ import annotations

from typing import Final

BLOCK_MS: Final = 3_000
"""How long one XREAD may block. From 5 s on, redis-py 8.1 reconnects in a loop, silently (redis-py#2807, #4143)."""

BLOCKING_TIMEOUT_S: Final = 6.0
"""Timeout of a blocking command: twice `BLOCK_MS`."""

COMMAND_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2.0
