"""Breaking news, fanned out: one line, on every screen, exactly once."""

__version__ = "0.1.0"
