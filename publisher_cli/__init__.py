"""The editor's command line: `tick`."""
