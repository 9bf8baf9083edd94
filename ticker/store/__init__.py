"""All that speaks Redis: keys, connections, the log's reader and writer, inboxes, the embedded server."""
