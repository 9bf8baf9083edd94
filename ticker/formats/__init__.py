"""Lines and boards in the formats of others: JSON Feed, Atom, RSS, news sitemaps, ninjs and schema.org.

Everything here is pure: no I/O, no clock, no random numbers. It imports only `ticker.core`.
"""
