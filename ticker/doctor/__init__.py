"""Find what makes a system unsafe, or too small for its readers: `ticker doctor`.

Each `*_probe` module gathers facts, and changes nothing. Each `*_findings` module judges facts, without I/O.
"""
