"""The desk view: an edition on a terminal, to read and to write. The core decides, the store speaks; this shows."""
