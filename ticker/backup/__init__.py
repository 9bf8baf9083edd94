"""Backup and restore: copy the editions in Redis to a file, and put such a copy back in their place."""
