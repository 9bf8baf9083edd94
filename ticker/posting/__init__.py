"""The posting part, `ticker api`: submissions and decisions over HTTP, for content management systems.

It can append to inboxes and read receipts. It never writes a log.
"""
