"""The live fan-out: reads the logs of all editions and sends their entries to followers. It never writes a log.

An entry comes from Redis through the `feed` into the `history` of its `channel`. `broadcast` runs a pass: it gets the
entry's frames from each `frame_cache` and writes them to the `write_groups` and to each single `follower`.

A follower starts as an HTTP `connection`. After the checks of `handshake` and `admission`, the follower becomes one of
the channel's `members`. The `hub` holds all channels, and `server` runs everything.
"""
