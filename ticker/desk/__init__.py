"""The desk: takes submissions from inboxes, applies the rules of `ticker.core`, appends to logs, and answers."""
