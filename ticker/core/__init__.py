"""Decisions only: no I/O, no clock, no randomness, no logging. Time and chance come in as arguments."""
