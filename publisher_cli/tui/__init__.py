"""The terminal application `tick desk`: read and write an edition on one screen. Built with Textual."""
