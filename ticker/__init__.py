"""Breaking news, fanned out: one line, on every screen, exactly once."""
