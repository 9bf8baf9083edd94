"""The desk: read requests from inboxes, apply the rules of `ticker.core`, append to the logs, and write receipts."""
