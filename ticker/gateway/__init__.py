"""Reads logs, never writes them; fans them out to followers.

The way of an entry: `feed` (tails Redis, checks links) → `channel` (an edition in memory) → `view` (what followers with
one wish share) → `follower` (a cursor on a transport). The way of a follower: `protocol` (HTTP) → `handshake`
(decides) → `channel`.
"""
