"""Notices: what needs a person, told once until it changes. What they are is pure; sending them is ``sending``'s."""
