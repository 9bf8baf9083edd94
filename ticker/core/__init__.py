"""The pure core: no I/O, no clock, no randomness, no logging. Times and random ids are arguments."""
