"""Serving offices: desks, one cycle after the other, and the daemon. The rules themselves live in the pure packages."""
