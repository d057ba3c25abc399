"""Serving one office: its desk, one cycle after the other. The rules themselves live in the pure packages."""
